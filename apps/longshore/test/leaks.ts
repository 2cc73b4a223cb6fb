/** Finds secrets in whatever a program wrote, in every spelling that writing it may have given them. */
import * as ConnectorApi from "@longshore/core/ConnectorApi"
import * as Simulator from "@longshore/simulator/Simulator"
import * as SimulatorServer from "@longshore/simulator/SimulatorServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { readdir, readFile } from "node:fs/promises"
import * as Path from "node:path"
import type { TestContext } from "vitest"

/** Inside of other text base64 begins at one of three places; the characters that share bits with neighbours are left out. */
const base64 = (secret: string, at: number): string => {
  const bytes = Buffer.from(" ".repeat(at) + secret)
  return bytes.toString("base64").slice(Math.ceil((at * 4) / 3), Math.floor((bytes.length * 4) / 3))
}

const json = (text: string): string => JSON.stringify(text).slice(1, -1)

/** All the ways in which a secret may be written, by name. */
export const spellings = (secret: string): Readonly<Record<string, string>> => ({
  plain: secret,
  "percent-encoded": encodeURIComponent(secret),
  "twice percent-encoded": encodeURIComponent(encodeURIComponent(secret)),
  "in JSON": json(secret),
  "in JSON of .NET": json(secret).replaceAll("&", "\\u0026").replaceAll("+", "\\u002B").replaceAll("=", "\\u003D"),
  "in JSON of PHP": json(secret).replaceAll("/", "\\/"),
  "in JSON in JSON": json(json(secret)),
  base64: base64(secret, 0),
  "base64, a byte later": base64(secret, 1),
  "base64, two bytes later": base64(secret, 2),
  base64url: Buffer.from(secret).toString("base64url"),
  hexadecimal: Buffer.from(secret).toString("hex")
})

/** Texts and bytes, by the name of the place where they are. */
export type Places = ReadonlyMap<string, string | Uint8Array>

/** Which secrets stand where, and how they are spelled. */
export const leaks = (secrets: Readonly<Record<string, string>>, places: Places): ReadonlyArray<string> => {
  const wanted = Object.entries(secrets).flatMap(([name, secret]) =>
    Object.entries(spellings(secret)).map(([spelling, text]) => ({ what: `${name}, ${spelling}`, text }))
  )
  return [...places].flatMap(([place, content]) => {
    // Names tell as well.
    const text = `${place}\n${Buffer.from(content).toString("latin1")}`
    return wanted.filter(({ text: secret }) => text.includes(secret)).map(({ what }) => `${what} in ${place}`)
  })
}

/** Every file below these folders. */
export const filesIn = async (...folders: ReadonlyArray<string>): Promise<Places> => {
  const places = new Map<string, Uint8Array>()
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = Path.join(entry.parentPath, entry.name)
      places.set(path, entry.isFile() ? await readFile(path) : Buffer.of())
    }
  }
  return places
}

const readLinks = Schema.decodeUnknownOption(Schema.fromJsonString(ConnectorApi.GetAllResponse))

/** The simulator. It writes down every link that it gives away: the whole, and the signature. */
export const watchedLayer = (
  options: Simulator.SimulatorOptions,
  links: Record<string, string>
): Layer.Layer<Simulator.Simulator> => {
  const note = (answer: Simulator.SimulatorAnswer) => {
    if (answer.headers["content-type"]?.startsWith("application/json") !== true) return
    const found = readLinks(Buffer.concat([...answer.body()]).toString())
    for (const { Url } of Option.isSome(found) ? found.value.Exports.flatMap(({ Files }) => Files ?? []) : []) {
      const n = Object.keys(links).length
      links[`link ${n}`] = Url
      links[`signature ${n}`] = new URL(Url).searchParams.get("sig") ?? Url
    }
  }
  return Layer.effect(
    Simulator.Simulator,
    Effect.map(Simulator.Simulator, (simulator) => ({
      ...simulator,
      handle: (request) => Effect.tap(simulator.handle(request), (answer) => Effect.sync(() => note(answer)))
    }))
  ).pipe(Layer.provide(Simulator.layer(options)))
}

/** The same on loopback, until the test is over. */
export const watchedSimulator = async (
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  options: Simulator.SimulatorOptions
) => {
  const links: Record<string, string> = {}
  const scope = Scope.makeUnsafe()
  onTestFinished(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const [{ url }, witness] = await Effect.runPromise(
    Effect.all([SimulatorServer.make(), Simulator.Simulator]).pipe(
      Scope.provide(scope),
      Effect.provide(watchedLayer(options, links))
    )
  )
  return { url, links, witness }
}
