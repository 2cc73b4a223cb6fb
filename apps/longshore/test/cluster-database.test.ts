import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createServer, type Socket } from "node:net"
import { describe, expect, it, type TestContext } from "vitest"
import * as Database from "../src/cluster/Database.ts"
import { database, needsPostgres } from "./database.ts"

/** What is said of a database that cannot be used, and what was said while it was waited for. */
const refusal = async (url: string, patience: `${number} millis` = "1200 millis") => {
  const told: Array<string> = []
  const began = Date.now()
  const error = await Effect.runPromise(
    Database.layer({
      url: Redacted.make(url),
      name: "test",
      patience,
      tell: (line) => Effect.sync(() => void told.push(line))
    }).pipe(Layer.build, Effect.scoped, Effect.flip)
  )
  return { said: `${error.problem} Next: ${error.nextStep}`, told, tag: error._tag, took: Date.now() - began }
}

/** A server that takes connections, and does this to them. */
const server = ({ onTestFinished }: TestContext, take: (socket: Socket) => void) =>
  new Promise<number>((resolve) => {
    const sockets = new Set<Socket>()
    const listening = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined)
      take(socket)
    })
    onTestFinished(() => {
      listening.close()
      for (const socket of sockets) socket.destroy()
    })
    listening.listen(0, "127.0.0.1", () => {
      const address = listening.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

const secret = "pass/w0rd+0123456789"
const at = (place: string) => `postgres://longshore:${encodeURIComponent(secret)}@${place}`

describe.concurrent("a database that cannot be used", () => {
  it("is waited for while nobody listens, and then it is said so", async () => {
    const { said, tag, told, took } = await refusal(at("127.0.0.1:1/exports"))
    expect(tag).toBe("ConfigError")
    expect(said).toBe(
      "The database 127.0.0.1:1/exports does not answer (ECONNREFUSED). Next: Start it, or correct LONGSHORE_DATABASE_URL."
    )
    expect(told).toEqual(["The database 127.0.0.1:1/exports does not answer (ECONNREFUSED). Waiting for it"])
    expect(took).toBeGreaterThanOrEqual(1_000)
    expect(took).toBeLessThan(5_000)
  })

  it("is given up although it takes connections, and says nothing", async (context) => {
    const port = await server(context, () => undefined)
    const { said, took } = await refusal(at(`127.0.0.1:${port}/exports?connect_timeout=1`))
    expect(said).toContain(`The database 127.0.0.1:${port}/exports does not answer`)
    expect(took).toBeLessThan(8_000)
  })

  it("may be something else that listens there", async (context) => {
    const port = await server(context, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
    const { said, told } = await refusal(at(`127.0.0.1:${port}/exports`))
    expect(said).toContain(`The database 127.0.0.1:${port}/exports cannot be used: `)
    expect(told).toEqual([])
    expect(said).not.toContain(secret)
  })

  it("may have another password, or another name", { timeout: 20_000 }, async (context) => {
    needsPostgres(context)
    const { url } = await database(context)
    const wrong = new URL(url)
    wrong.password = encodeURIComponent(secret)
    const { said, told } = await refusal(wrong.href)
    expect(said).toContain(" refuses this user, or the password (28P01). Next: Correct them")
    expect(said).not.toContain(secret)
    expect(told).toEqual([])
    const nowhere = new URL(url)
    nowhere.pathname = "/nowhere"
    expect((await refusal(nowhere.href)).said).toContain("/nowhere does not exist (3D000). Next: Make it with createdb")
  })
})

it("every spelling of its password is kept from what is said", () => {
  expect(Database.secretsOf(Redacted.make(at("127.0.0.1/exports")))).toEqual([
    at("127.0.0.1/exports"),
    encodeURIComponent(secret),
    secret
  ])
  expect(Database.secretsOf(Redacted.make(`postgres://127.0.0.1/exports?password=${secret.slice(0, 4)}`))).toContain(
    "pass"
  )
})
