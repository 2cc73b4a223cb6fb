/** Keys to places in a bucket, and a writer for each object. */
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3"
import type { SinkError } from "@longshore/core/ExportError"
import * as ObjectSink from "@longshore/core/ObjectSink"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { S3SinkOptions } from "../S3Sink.ts"
import { make as makeClient, type S3 } from "./client.ts"
import { about, sinkError } from "./failure.ts"
import * as Notes from "./notes.ts"
import { list, look, read } from "./object.ts"
import { objects } from "./pages.ts"
import { maxParts, minPartSize, open, type Place, storedObject } from "./writer.ts"

const isKey = Schema.is(ObjectSink.ObjectKey)

export const locationOf = (s3: S3, key = ""): string => `s3://${s3.bucket}/${s3.prefix}${key}`

export const make = Effect.fnUntraced(function* (options: S3SinkOptions) {
  const s3 = yield* makeClient(options)
  if (options.readOnly !== true) yield* prepare(s3)

  const placeOf = (key: ObjectSink.ObjectKey): Effect.Effect<Place, SinkError> =>
    // Keys are checked where they are made; this is the last door before the bucket.
    isKey(key)
      ? Effect.succeed({ location: locationOf(s3, key), key: `${s3.prefix}${key}` })
      : Effect.fail(sinkError(locationOf(s3), "InvalidKey", `"${String(key)}" is not a key`))

  return ObjectSink.make({
    capabilities: {
      durable: true,
      resumable: true,
      parallel: true,
      rewindable: true,
      atomic: true,
      minPartSize,
      maxParts
    },
    locate: (key) => locationOf(s3, key),
    open: (object) =>
      options.readOnly === true
        ? Effect.fail(sinkError(locationOf(s3), "PermissionDenied", "it was opened only to be read"))
        : Effect.flatMap(placeOf(object.key), (place) => open(s3, place, object, options.checksum ?? "auto")),
    read: (key, range) =>
      Stream.unwrap(Effect.map(placeOf(key), (place) => read(s3, place.location, place.key, range))),
    stat: Effect.fnUntraced(function* (key) {
      const place = yield* placeOf(key)
      const found = yield* about(place.location)(look(s3, place.key))
      return found === undefined ? Option.none() : Option.some(storedObject(key, found))
    }),
    list: Effect.map(about(locationOf(s3))(objects(s3, s3.prefix)), (found) =>
      found.flatMap(({ Key = "", Size = 0 }) => {
        const key = Key.slice(s3.prefix.length)
        // Some tools make an object that ends in a slash to stand for a folder.
        return /(^|\/)\./.test(key) || key === "" || key.endsWith("/") ? [] : [{ key, size: Size, partial: false }]
      })
    ),
    settle: Effect.fnUntraced(function* (key) {
      const place = yield* placeOf(key)
      yield* about(place.location)(Notes.settle(s3, place.key))
    })
  })
})

/** The bucket is there, and objects can be listed, put and removed: better known now than after an hour. */
const prepare = Effect.fnUntraced(function* (s3: S3) {
  const probe = { Bucket: s3.bucket, Key: `${s3.prefix}.longshore/probe` }
  yield* about(locationOf(s3))(
    list(s3).pipe(
      Effect.andThen(
        s3.patiently((client, options) =>
          client.send(new PutObjectCommand({ ...probe, Body: "", ContentLength: 0 }), options)
        )
      ),
      Effect.andThen(s3.patiently((client, options) => client.send(new DeleteObjectCommand(probe), options)))
    )
  )
})
