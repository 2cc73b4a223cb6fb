import * as ConnectError from "@longshore/core/ConnectError"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { describe, expect, it, type TestContext } from "vitest"
import { Agents, Tunnel } from "../src/index.ts"
import { Proxies } from "../src/index.ts"
import { startProxy } from "./proxy.ts"

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.pem`, import.meta.url), "utf8")
const tls = { cert: fixture("cert"), key: fixture("key") }
const ca = fixture("authority")

/** For this machine, as a name that proxies have everywhere. */
const theirs = (name: string) =>
  readFileSync(new URL(`../../simulator/test/fixtures/${name}.pem`, import.meta.url), "utf8")
const localhost = { cert: theirs("cert"), key: theirs("key") }

type Test = Pick<TestContext, "onTestFinished">

const listening = async ({ onTestFinished }: Test, server: net.Server): Promise<number> => {
  const sockets = new Set<net.Socket>()
  server.on("connection", (socket) => void sockets.add(socket))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as net.AddressInfo).port
}

/** A host under names that only the proxy knows. It answers with what it was asked. */
const echo = (test: Test, secure: boolean): Promise<number> => {
  const answer: http.RequestListener = ({ headers, method, url }, response) =>
    void response.end(JSON.stringify({ method, url, headers }))
  return listening(test, secure ? https.createServer(tls, answer) : http.createServer(answer))
}

interface Got {
  readonly status: number | undefined
  readonly body: string
}

/** Asks by way of agents that the environment directs. Rejects with what is known about the connection. */
const get = (test: Test, env: Proxies.Environment, address: string, options: https.AgentOptions = { ca }) => {
  const agents = Agents.make({ env, keepAlive: true, ...options })
  test.onTestFinished(() => {
    agents.http.destroy()
    agents.https.destroy()
  })
  return () =>
    new Promise<Got>((resolve, reject) => {
      const secure = address.startsWith("https:")
      const request = (secure ? https : http).get(address, { agent: secure ? agents.https : agents.http })
      request.once("error", (error) => reject(ConnectError.find(error)))
      request.once("response", async (response) => {
        let body = ""
        for await (const chunk of response) body += String(chunk)
        resolve({ status: response.statusCode, body })
      })
    })
}

const problem = async (asked: Promise<unknown>): Promise<ConnectError.ConnectError> => {
  const error = await asked.then(
    () => undefined,
    (error: unknown) => error
  )
  expect(error).toMatchObject({ _tag: "ConnectError" })
  return error as ConnectError.ConnectError
}

/** Where nobody listens. */
const closed = async (): Promise<number> => {
  const server = net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe("by way of a proxy", () => {
  it("https: goes through a tunnel, one for many requests, in which the proxy reads nothing", async (test) => {
    const port = await echo(test, true)
    const proxy = await startProxy(test)
    const ask = get(test, { HTTPS_PROXY: proxy.url }, `https://api.longshore.test:${port}/path?sig=secret`)
    expect(JSON.parse((await ask()).body)).toMatchObject({ url: "/path?sig=secret" })
    expect((await ask()).status).toBe(200)
    expect(await proxy.log()).toEqual([`CONNECT api.longshore.test:${port}`])
  })

  it("http: is asked for with its whole address, and the host hears nothing of the password", async (test) => {
    const port = await echo(test, false)
    const proxy = await startProxy(test, { password: "p:ss" })
    const ask = get(
      test,
      { http_proxy: proxy.url.replace("//", "//me:p%3Ass@") },
      `http://files.longshore.test:${port}/a?b`
    )
    for (let n = 0; n < 2; n++) {
      const { body, status } = await ask()
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({ url: "/a?b", headers: { host: `files.longshore.test:${port}` } })
      expect(body).not.toContain("proxy-authorization")
    }
    expect(await proxy.log()).toEqual(Array(2).fill(`GET http://files.longshore.test:${port}/a?b`))
  })

  it("a proxy with TLS of its own is spoken to by TLS, for https: and for http:", async (test) => {
    const secure = await echo(test, true)
    const plain = await echo(test, false)
    const proxy = await startProxy(test, { tls: localhost })
    const env = { ALL_PROXY: proxy.url }
    const addresses = [`https://a.longshore.test:${secure}`, `http://a.longshore.test:${plain}`]
    for (const address of addresses) {
      const { permanent, problem: words } = await problem(get(test, env, address)())
      expect(words).toMatch(
        /^the certificate of the proxy https:\/\/localhost:\d+ \(ALL_PROXY\), issued by "localhost", is not/
      )
      expect(permanent).toBe(true)
    }
    const before = getCACertificates("default")
    test.onTestFinished(() => setDefaultCACertificates(before))
    setDefaultCACertificates([...before, localhost.cert, ca])
    for (const address of addresses) expect((await get(test, env, address, {})()).status).toBe(200)
    // A proxy may write a tunnel down only when it ends.
    expect(new Set(await proxy.log())).toEqual(
      new Set([`CONNECT a.longshore.test:${secure}`, `GET http://a.longshore.test:${plain}/`])
    )
  })

  it("an excepted host is reached without it", async (test) => {
    const proxy = await startProxy(test)
    const env = { HTTPS_PROXY: proxy.url, NO_PROXY: "longshore.test" }
    const asked = get(test, env, `https://api.longshore.test:${await echo(test, true)}`)()
    // The name means nothing to this machine.
    await expect(asked).rejects.toMatch(/ENOTFOUND|EAI_AGAIN/)
    expect(await proxy.log()).toEqual([])
  })
})

const answering = (status: number) => (socket: net.Socket) => void socket.end(`HTTP/1.1 ${status} No\r\n\r\n`)

describe("what goes wrong names the proxy", () => {
  const target = "https://api.longshore.test:1"

  it.for(["http://file.longshore.test", target])("when nobody listens there: %s", async (address, test) => {
    const port = await closed()
    const found = await problem(get(test, { ALL_PROXY: `http://me:secret@127.0.0.1:${port}` }, address)())
    expect(found.problem).toBe(
      `the proxy http://127.0.0.1:${port} (ALL_PROXY) could not be reached: nobody listens at that address (ECONNREFUSED)`
    )
    expect(found.permanent).toBe(false)
  })

  it("when it wants a password, or another one", async (test) => {
    const proxy = await startProxy(test, { password: "right" })
    const without = await problem(get(test, { HTTPS_PROXY: proxy.url }, target)())
    expect(without).toMatchObject({
      permanent: true,
      problem: expect.stringMatching(/wants a name and a password \(HTTP 407\)/)
    })
    const wrong = await problem(get(test, { HTTPS_PROXY: proxy.url.replace("//", "//me:wrong@") }, target)())
    expect(wrong).toMatchObject({
      permanent: true,
      problem: expect.stringMatching(/does not take the name and the password/)
    })
    expect(wrong.problem).toContain(`the proxy ${proxy.url} (HTTPS_PROXY)`)
    expect(wrong.problem).not.toContain("wrong")
  })

  it("when it forbids the host", async (test) => {
    const proxy = await startProxy(test, { forbidden: "forbidden.longshore.test" })
    const env = { HTTPS_PROXY: proxy.url }
    expect(await problem(get(test, env, "https://forbidden.longshore.test")())).toMatchObject({
      permanent: true,
      problem: `the proxy ${proxy.url} (HTTPS_PROXY) does not let anybody through to forbidden.longshore.test:443 (HTTP 403): have it allowed there, or except the host with NO_PROXY`
    })
  })

  it.for<[what: string, handler: (socket: net.Socket) => void, expected: RegExp]>([
    ["says nothing", () => {}, /gave no answer within 0\.05 s/],
    ["hangs up", (socket) => void socket.destroy(), /opened no line to api.longshore.test:443: the connection was cut/],
    ["speaks something else", (socket) => void socket.end("220 mail\r\n"), /opened no line .*HPE_INVALID_CONSTANT/],
    ["cannot reach the host", answering(502), /could not reach api\.longshore\.test:443 \(HTTP 502\)$/],
    ["is of another mind", answering(418), /opened no line to api\.longshore\.test:443 \(HTTP 418\)$/]
  ])("when it %s", async ([, handler, expected], test) => {
    const port = await listening(
      test,
      net.createServer((socket) => socket.once("data", () => handler(socket)))
    )
    const proxy = Proxies.fromEnv({ HTTPS_PROXY: `http://127.0.0.1:${port}` }).named[0]!
    const { problem: words } = await problem(Tunnel.open(proxy, { host: "api.longshore.test", port: 443 }, 50))
    expect(words).toMatch(expected)
    expect(words).toContain(`the proxy http://127.0.0.1:${port} (HTTPS_PROXY)`)
  })

  it.for(["http://a.test", "https://a.test"])("when the variable names none: %s", async (address, test) => {
    expect(await problem(get(test, { ALL_PROXY: "socks5://me:secret@127.0.0.1:1" }, address)())).toMatchObject({
      permanent: true,
      problem: "ALL_PROXY names a proxy that speaks socks5; only http:// and https:// are known"
    })
  })
})

describe("a certificate that is not trusted", () => {
  it("is told with its host and its issuer, also through a tunnel", async (test) => {
    const port = await echo(test, true)
    const proxy = await startProxy(test)
    const words = (host: string) =>
      `the certificate of ${host}, issued by "Longshore test authority", is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): if it is the right one, name its authority's file (PEM) with --ca-file`
    expect(
      await problem(get(test, { HTTPS_PROXY: proxy.url }, `https://api.longshore.test:${port}`, {})())
    ).toMatchObject({
      permanent: true,
      problem: words("api.longshore.test")
    })
    expect((await problem(get(test, {}, `https://127.0.0.1:${port}`, {})())).problem).toBe(words("127.0.0.1"))
  })

  it("for another host is told as such", async (test) => {
    const port = await echo(test, true)
    const found = await problem(get(test, {}, `https://localhost:${port}`)())
    expect(found.problem).toBe(
      "localhost cannot be trusted: the certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)"
    )
  })
})
