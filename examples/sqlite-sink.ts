/**
 * A sink of one's own: exports in a SQLite database, each part a blob. It resumes, takes parts in any order, and a reader
 * sees all of an object or nothing. That it passes the suite of `@longshore/testkit` (`test/sqlite-sink.test.ts`) makes it a sink.
 *
 * `part` has the parts of a plan: a version of the content, and how it is cut. `object` says which plan is published, so
 * publishing is one row. SQLite makes every statement a transaction, and brings it to the disk before it answers.
 */
import { ObjectSink } from "@longshore/core"
import { SinkError, type SinkReason } from "@longshore/core/ExportError"
import { Effect, Layer, Option, Predicate, Schema, Stream } from "effect"
import { DatabaseSync, type SQLInputValue } from "node:sqlite"

const tables = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS part (
    key TEXT, plan TEXT, number INTEGER, crc32 INTEGER, bytes BLOB, PRIMARY KEY (key, plan, number)
  );
  CREATE TABLE IF NOT EXISTS object (
    version INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, plan TEXT, size INTEGER, partSize INTEGER
  );
  CREATE TRIGGER IF NOT EXISTS published AFTER INSERT ON object BEGIN
    DELETE FROM part WHERE key = NEW.key AND plan <> NEW.plan;
  END`

// Publishes what is complete, unless an earlier process did so without coming to say it.
const publish = `
  INSERT OR REPLACE INTO object (key, plan, size, partSize) SELECT :key, :plan, :size, :partSize
  WHERE :size = (SELECT coalesce(sum(length(bytes)), 0) FROM part WHERE key = :key AND plan = :plan)
  AND NOT EXISTS (SELECT 1 FROM object WHERE key = :key AND plan = :plan)`

const discard = `
  DELETE FROM part WHERE key = :key AND plan = :plan
  AND NOT EXISTS (SELECT 1 FROM object WHERE key = :key AND plan = :plan)`

const Found = Schema.Struct({
  key: ObjectSink.ObjectKey,
  plan: Schema.String,
  size: Schema.Finite,
  partSize: Schema.Finite,
  version: Schema.Finite
})
const Held = Schema.Struct({ number: Schema.Finite, crc32: Schema.Finite })
const Blob = Schema.Struct({ bytes: Schema.Uint8Array })

export const layer = (options: { readonly path: string }): Layer.Layer<ObjectSink.ObjectSink, SinkError> =>
  Layer.effect(ObjectSink.ObjectSink, make(options))

const make = Effect.fnUntraced(function* ({ path }: { readonly path: string }) {
  const locate = (key: string) => `sqlite:${path}#${key}`
  const failure = (key: string, problem: string, reason: SinkReason = "Unknown") =>
    new SinkError({ reason, location: locate(key), problem })
  const attempt = <A>(key: string, evaluate: () => A) =>
    Effect.try({ try: evaluate, catch: (cause) => failure(key, String(cause), reasonOf(cause)) })

  const db = yield* Effect.acquireRelease(
    attempt("", () => new DatabaseSync(path, { timeout: 10_000 })),
    (open) => Effect.sync(() => open.close())
  )
  yield* attempt("", () => db.exec(tables))

  type Parameters = Record<string, SQLInputValue>
  const change = (sql: string) => {
    const statement = db.prepare(sql)
    return (key: string, values: Parameters) => attempt(key, () => void statement.run({ key, ...values }))
  }
  const select = <A>(row: Schema.Decoder<A>, sql: string) => {
    const statement = db.prepare(sql)
    const decode = Schema.decodeUnknownSync(Schema.Array(row))
    return (key: string, values: Parameters) => attempt(key, () => decode(statement.all({ key, ...values })))
  }
  const sql = {
    keep: change("INSERT OR REPLACE INTO part VALUES (:key, :plan, :number, :crc32, :bytes)"),
    held: select(Held, "SELECT number, crc32 FROM part WHERE key = :key AND plan = :plan"),
    publish: change(publish),
    discard: change(discard),
    find: select(Found, "SELECT * FROM object WHERE key = :key"),
    list: select(Found, "SELECT * FROM object WHERE key > :key"),
    read: select(
      Blob,
      "SELECT substr(bytes, :from + 1, :length) AS bytes FROM part WHERE key = :key AND plan = :plan AND number = :number"
    )
  }
  const find = (key: string) => Effect.map(sql.find(key, {}), ([found]) => Option.fromUndefinedOr(found))

  return ObjectSink.make({
    capabilities: {
      durable: true,
      resumable: true,
      parallel: true,
      rewindable: true,
      atomic: true,
      minPartSize: 1,
      maxParts: 10_000
    },
    locate,
    stat: Effect.fnUntraced(function* (key) {
      return Option.map(yield* find(key), ({ size, version }) => ({ key, size, version: `${version}` }))
    }),
    list: Effect.map(sql.list("", {}), (all) => all.map(({ key, size }) => ({ key, size, partial: false }))),
    open: Effect.fnUntraced(function* (object) {
      const { key, partSize, size, version } = object
      if (!Schema.is(ObjectSink.ObjectKey)(key)) return yield* failure(key, "the key is not one", "InvalidKey")
      const plan = JSON.stringify([version, size, partSize])
      const held = new Map((yield* sql.held(key, { plan })).map(({ crc32, number }) => [number, crc32]))
      return {
        stored: ObjectSink.parts(object).flatMap((part) =>
          held.has(part.number) ? [{ ...part, crc32: held.get(part.number) }] : []
        ),
        write: Effect.fnUntraced(function* (part, stream, crc32) {
          const bytes = yield* ObjectSink.collect(part, stream, locate(key))
          yield* sql.keep(key, { plan, number: part.number, crc32: yield* crc32, bytes })
          return undefined
        }),
        commit: Effect.gen(function* () {
          yield* sql.publish(key, { plan, size, partSize })
          const found = Option.filter(yield* find(key), (published) => published.plan === plan)
          if (Option.isNone(found)) return yield* failure(key, "parts are missing")
          return { key, size, version: `${found.value.version}` }
        }),
        discard: sql.discard(key, { plan })
      }
    }),
    read: (key, { length, offset }) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const found = Option.getOrUndefined(yield* find(key))
          if (found === undefined) return yield* failure(key, "it is not there", "Conflict")
          const end = offset + length
          return Stream.fromIterable(ObjectSink.parts(found)).pipe(
            Stream.filter((part) => part.offset < end && part.offset + part.length > offset),
            Stream.mapEffect((part) => {
              const from = Math.max(offset - part.offset, 0)
              const to = Math.min(end - part.offset, part.length)
              return sql.read(key, { plan: found.plan, number: part.number, from, length: to - from })
            }),
            Stream.flatMap((rows) => Stream.fromIterable(rows.map(({ bytes }) => bytes)))
          )
        })
      )
  })
})

/** The low byte is SQLite's result code: 13 is a full disk, 5 a database that others keep locked. */
const reasonOf = (cause: unknown): SinkReason => {
  const code = Predicate.hasProperty(cause, "errcode") ? Number(cause.errcode) & 0xff : 0
  return code === 13 ? "NoSpace" : code === 5 ? "Unavailable" : "Unknown"
}
