import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { ExportId } from "@longshore/core/Export"
import { ObjectKey } from "@longshore/core/ObjectSink"
import { Validator } from "@seriousme/openapi-schema-validator"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createServer, type Server, request as httpRequest } from "node:http"
import { ClusterApi, ClusterClient, ClusterServer, ExportCluster, RunStatus } from "../src/index.ts"
import * as StandIn from "./standIn.ts"

const token = "the-token-of-this-cluster"

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: any
}

interface Asked {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

interface Front {
  readonly url: string
  readonly cluster: StandIn.StandIn
  /** With the token, unless told otherwise. */
  readonly ask: (path: string, asked?: Asked) => Effect.Effect<Answer>
  readonly client: ClusterClient.Client
}

/** The real server, on a port of its own. */
const front = Effect.gen(function* (): Effect.fn.Return<Front, unknown, Scope.Scope> {
  const cluster = StandIn.make()
  const server = yield* Layer.build(
    ClusterServer.layer({ token: Redacted.make(token), tasks: StandIn.tasks, patience: "300 millis" }).pipe(
      Layer.provide(Layer.succeed(ExportCluster.ExportCluster, cluster.service)),
      Layer.provideMerge(
        NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: "100 millis" })
      )
    )
  )
  const address = yield* HttpServer.HttpServer.use(({ address }) => Effect.succeed(address)).pipe(
    Effect.provideContext(server)
  )
  if (address._tag === "UnixPathAddress") return yield* Effect.die("It listens on no port.")
  const url = `http://127.0.0.1:${address.port}`
  const client = yield* Effect.provide(
    ClusterClient.make({ url, token: Redacted.make(token) }),
    yield* Layer.build(FetchHttpClient.layer)
  )
  const ask: Front["ask"] = (path, { body, headers = {}, method = "GET" } = {}) =>
    Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
      const text = await response.text()
      let json: unknown
      try {
        json = JSON.parse(text)
      } catch {
        json = undefined
      }
      return { status: response.status, headers: response.headers, text, json }
    })
  return { url, cluster, ask, client }
})

const bill = { account: "lisbon", request: { entityType: "Bill" } }
const unknownId = "00000000000000000000000000000000"

const routes: ReadonlyArray<readonly [method: string, path: string]> = [
  ["POST", "/exports"],
  ["GET", "/exports"],
  ["GET", `/exports/${unknownId}`],
  ["GET", `/exports/${unknownId}/wait?timeout=0`],
  ["POST", `/exports/${unknownId}/cancel`],
  ["POST", `/exports/${unknownId}/resume`],
  ["GET", "/metrics"]
]

describe("the token", () => {
  it.live("is wanted on each route but two, before anything else is looked at", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      for (const [method, path] of routes) {
        for (const authorization of [
          "",
          "Bearer",
          "Bearer ",
          `Bearer ${token}x`,
          `Bearer ${token.slice(1)}`,
          `Basic ${token}`,
          token
        ]) {
          const answer = yield* ask(path, {
            method,
            headers: { authorization },
            ...(method === "POST" ? { body: "this is no JSON" } : {})
          })
          assert.strictEqual(answer.status, 401, `${method} ${path} ${authorization}`)
          assert.strictEqual(answer.json._tag, "Unauthorized")
          assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/)
          assert.notInclude(answer.text, token)
        }
      }
      assert.strictEqual(cluster.runs.size, 0)
      for (const path of ["/health", "/openapi.json"]) {
        assert.strictEqual((yield* ask(path, { headers: { authorization: "" } })).status, 200, path)
      }
    })
  )

  it.live("must be one: a front without any does not start", () =>
    Effect.gen(function* () {
      const cluster = StandIn.make()
      for (const short of ["", "secret"]) {
        const error = yield* Effect.flip(
          Layer.build(
            ClusterServer.layer({ token: Redacted.make(short), tasks: StandIn.tasks }).pipe(
              Layer.provide(Layer.succeed(ExportCluster.ExportCluster, cluster.service)),
              Layer.provide(NodeHttpServer.layer(createServer, { port: 0 }))
            )
          )
        )
        assert.strictEqual(error._tag, "InvalidRequest")
        assert.match(error.message, /shorter than 16 characters/)
      }
    })
  )
})

describe("the routes", () => {
  it.live("submit what the program makes of a wish, status, cancel, resume", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      const wish = {
        ...bill,
        request: {
          entityType: "Bill",
          filters: { updatedUtc: { startUtc: "2026-05-01T00:00:00.000Z", endUtc: "2026-06-01T00:00:00.000Z" } }
        },
        path: "bills/of-may",
        occasion: "2026-06-01",
        exportId: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        onBusy: "fail",
        onExpired: "renew",
        poll: 2000,
        partSize: 1_048_576
      }
      const submitted = yield* ask("/exports", { method: "POST", body: wish })
      assert.strictEqual(submitted.status, 200, submitted.text)
      const { path, ...told } = wish
      assert.deepStrictEqual(submitted.json.task, {
        ...told,
        platformAddress: "https://api.mews.com",
        target: `s3://bucket/mews/${path}`
      })
      const { id } = submitted.json
      const task = cluster.runs.get(id)?.task
      assert.isTrue(DateTime.isDateTime(task?.request.filters?.updatedUtc?.startUtc))

      assert.deepStrictEqual((yield* ask(`/exports/${id}`)).json, submitted.json)
      const cancelled = yield* ask(`/exports/${id}/cancel`, { method: "POST" })
      assert.deepStrictEqual([cancelled.status, cancelled.json.state], [200, "cancelled"])
      const resumed = yield* ask(`/exports/${id}/resume`, { method: "POST" })
      assert.deepStrictEqual([resumed.status, resumed.json.state], [200, "running"])
      yield* ask(`/exports/${id}/cancel`, { method: "POST" })
      for (const [query, parameter] of [
        ["onExpired=hope", "onExpired"],
        ["maxWait=long", "maxWait"],
        ["fresh=true", "fresh"]
      ]) {
        const refused = yield* ask(`/exports/${id}/resume?${query}`, { method: "POST" })
        assert.deepStrictEqual([refused.status, refused.json.parameter], [400, parameter])
      }
      const renewed = yield* ask(`/exports/${id}/resume?onExpired=renew&maxWait=3600000`, { method: "POST" })
      assert.deepInclude(renewed.json.task, { onExpired: "renew", maxWait: 3_600_000 })
    })
  )

  it.live("list by account and state, page by page", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      const ids: Array<string> = []
      for (const [account, entityType] of [
        ["lisbon", "Bill"],
        ["porto", "Bill"],
        ["lisbon", "Payment"],
        ["lisbon", "Customer"]
      ]) {
        ids.push((yield* ask("/exports", { method: "POST", body: { account, request: { entityType } } })).json.id)
      }
      cluster.set(ids[2] ?? "", { state: "failed" })
      const listed = function* (query: string) {
        const answer = yield* ask(`/exports${query}`)
        assert.strictEqual(answer.status, 200, answer.text)
        return answer.json.runs.map(({ id }: { id: string }) => ids.indexOf(id))
      }
      assert.deepStrictEqual(yield* listed(""), [3, 2, 1, 0])
      assert.deepStrictEqual(yield* listed("?account=lisbon"), [3, 2, 0])
      assert.deepStrictEqual(yield* listed("?account=lisbon&state=running"), [3, 0])
      assert.deepStrictEqual(yield* listed("?limit=2"), [3, 2])
      assert.deepStrictEqual(yield* listed(`?limit=2&before=${ids[2]}`), [1, 0])
      assert.strictEqual((yield* ask(`/exports?before=${unknownId}`)).status, 404)
    })
  )

  it.live("wait answers when the run ends, and when the time is over", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      const { id } = (yield* ask("/exports", { method: "POST", body: bill })).json
      const began = Date.now()
      const still = yield* ask(`/exports/${id}/wait?timeout=0.4`)
      assert.deepStrictEqual([still.status, still.json.state], [200, "running"])
      // Longer than the patience with the database, which is for what is on top of the wait.
      assert.isAtLeast(Date.now() - began, 390)
      setTimeout(() => cluster.set(id, { state: "complete", stage: "complete" }), 100)
      const ended = yield* ask(`/exports/${id}/wait`)
      assert.deepStrictEqual([ended.status, ended.json.state], [200, "complete"])
      assert.isBelow(Date.now() - began, 5_000)
    })
  )

  it.live("tell of runs that there are not", () =>
    Effect.gen(function* () {
      const { ask } = yield* front
      for (const [method, path] of routes.filter(([, path]) => path.includes(unknownId))) {
        const answer = yield* ask(path, { method })
        assert.strictEqual(answer.status, 404, path)
        assert.deepStrictEqual(answer.json, { _tag: "RunNotFound", id: unknownId })
      }
    })
  )

  it.live("refuse what is no request, and say what is wrong with it", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      const refused = Effect.fnUntraced(function* (body: unknown, parameter: string, problem: RegExp, headers = {}) {
        const answer = yield* ask("/exports", { method: "POST", body, headers })
        assert.strictEqual(answer.status, 400, answer.text)
        assert.strictEqual(answer.json._tag, "InvalidRequest")
        assert.strictEqual(answer.json.parameter, parameter, answer.text)
        assert.match(answer.json.problem, problem)
        assert.notMatch(answer.text, /\bat .+:\d+|node_modules/)
      })
      yield* refused("{", "the body", /valid JSON/)
      yield* refused("", "the body", /Expected Submission/)
      yield* refused([bill], "the body", /Expected Submission/)
      yield* refused({ request: bill.request }, "account", /missing|required/i)
      yield* refused({ ...bill, account: 7 }, "account", /string/)
      yield* refused({ ...bill, account: "" }, "account", /length/)
      yield* refused({ ...bill, account: "madrid" }, "account", /no account "madrid"/)
      yield* refused({ ...bill, request: { entityType: "no type" } }, "request.entityType", /entity type/)
      yield* refused({ ...bill, request: { entityType: "LedgerEntry" } }, "filters.ledgerEntryFilters.posting", /dates/)
      yield* refused({ ...bill, target: "s3://bucket/elsewhere" }, "target", /unexpected|excess/i)
      yield* refused({ ...bill, platformAddress: "https://evil.example" }, "platformAddress", /unexpected|excess/i)
      yield* refused({ ...bill, request: { ...bill.request, scopes: {} } }, "request.scopes", /unexpected|excess/i)
      yield* refused({ ...bill, poll: 0 }, "poll", /between/)
      yield* refused({ ...bill, partSize: 1.5 }, "partSize", /integer/)
      yield* refused({ ...bill, onBusy: "queue" }, "onBusy", /"wait"/)
      yield* refused({ ...bill, exportId: "1" }, "exportId", /GUID/)
      for (const path of [
        "",
        "..",
        "../other",
        "/etc",
        "a/../../b",
        "a//b",
        "a/",
        ".longshore",
        "a/.hidden",
        "a\\b",
        "a b",
        "s3://x",
        "a\u0000"
      ]) {
        yield* refused({ ...bill, path }, "path", /segments/)
      }
      yield* refused("account=lisbon", "content-type", /application\/json/, {
        "content-type": "application/x-www-form-urlencoded"
      })
      yield* refused({ ...bill, occasion: "x".repeat(2 ** 21) }, "the body", /larger than 1 MiB/)
      assert.strictEqual(cluster.runs.size, 0)
      for (const query of ["limit=0", "limit=many", "state=done", "acount=lisbon"]) {
        const answer = yield* ask(`/exports?${query}`)
        assert.deepStrictEqual([answer.status, answer.json?._tag], [400, "InvalidRequest"], query)
      }
      for (const timeout of ["61", "-1", "soon", "Infinity"]) {
        const answer = yield* ask(`/exports/${unknownId}/wait?timeout=${timeout}`)
        assert.deepStrictEqual([answer.status, answer.json?.parameter], [400, "timeout"])
      }
    })
  )

  it.live("are no hang and no secret when the database is away, and when something is wrong with us", () =>
    Effect.gen(function* () {
      const { ask, cluster } = yield* front
      const { id } = (yield* ask("/exports", { method: "POST", body: bill })).json
      const calls = routes
        .filter(([, path]) => path !== "/metrics")
        .map(([method, path]) => [method, path.replace(unknownId, id)] as const)
      const password = "postgres://user:password@db"
      for (const [broken, status] of [
        [Effect.never, 503],
        [Effect.die({ _tag: "SqlError", message: password }), 503],
        [Effect.die({ _tag: "PersistenceError", message: password }), 503],
        [Effect.die(new Error(password)), 500]
      ] as const) {
        cluster.broken = broken
        const health = ["GET", "/health"] as const
        // Its answer is kept for a second, so it is asked once.
        for (const [method, path] of status === 503 && broken === Effect.never ? [health, ...calls] : calls) {
          const began = Date.now()
          const answer = yield* ask(path, {
            method,
            ...(path === "/exports" && method === "POST" ? { body: bill } : {})
          })
          assert.strictEqual(answer.status, status, `${path} ${answer.text}`)
          assert.strictEqual(answer.json._tag, answer.status === 503 ? "ClusterUnavailable" : "Unexpected")
          assert.notInclude(answer.text, "password")
          assert.isBelow(Date.now() - began, 3_000)
        }
      }
      cluster.broken = undefined
      assert.strictEqual((yield* ask("/health")).status, 200)
    })
  )

  it.live("give metrics as Prometheus reads them", () =>
    Effect.gen(function* () {
      const { ask } = yield* front
      yield* Metric.update(Metric.counter("longshore_front_test", { description: "Of a test" }), 3)
      const answer = yield* ask("/metrics")
      assert.strictEqual(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.match(answer.text, /^# TYPE longshore_front_test \w+$/m)
      assert.match(answer.text, /^longshore_front_test 3$/m)
    })
  )

  it.live("let go of a run that nobody waits for any more", () =>
    Effect.gen(function* () {
      const { ask, cluster, url } = yield* front
      const { id } = (yield* ask("/exports", { method: "POST", body: bill })).json
      const seen = { interrupted: false }
      cluster.broken = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (seen.interrupted = true)))
      const waiting = httpRequest(`${url}/exports/${id}/wait?timeout=60`, {
        headers: { authorization: `Bearer ${token}` }
      })
      waiting.on("error", () => undefined).end()
      yield* Effect.sleep("100 millis")
      waiting.destroy()
      for (let i = 0; i < 100 && !seen.interrupted; i++) yield* Effect.sleep("20 millis")
      assert.isTrue(seen.interrupted)
    })
  )
})

describe("/openapi.json", () => {
  it.live("is a document that others can read, and it has all that there is", () =>
    Effect.gen(function* () {
      const { ask } = yield* front
      const { json, text } = yield* ask("/openapi.json", { headers: { authorization: "" } })
      const { errors, valid } = yield* Effect.promise(() => new Validator().validate(structuredClone(json)))
      assert.isTrue(valid, JSON.stringify(errors))
      assert.notInclude(text, token)
      const operations = Object.entries<any>(json.paths).flatMap(([path, methods]) =>
        Object.entries<any>(methods).map(([method, operation]) => ({ path: `${method} ${path}`, operation }))
      )
      assert.sameMembers(
        operations.map(({ path }) => path),
        [
          "post /exports",
          "get /exports",
          "get /exports/{id}",
          "get /exports/{id}/wait",
          "post /exports/{id}/cancel",
          "post /exports/{id}/resume",
          "get /health",
          "get /metrics"
        ]
      )
      assert.deepInclude(json.components.securitySchemes.bearer, { type: "http", scheme: "Bearer" })
      for (const { operation, path } of operations) {
        assert.isNotEmpty(operation.summary, path)
        const statuses = Object.keys(operation.responses)
        if (path.includes("/exports")) assert.includeMembers(statuses, ["200", "400", "401", "503"], path)
        if (path.includes("{id}")) assert.include(statuses, "404", path)
        assert.deepStrictEqual(operation.security, path === "get /health" ? [] : [{ bearer: [] }], path)
        for (const [status, response] of Object.entries<any>(operation.responses)) {
          assert.isNotEmpty(response.description, `${path} ${status}`)
          assert.isNotEmpty(Object.keys(response.content), `${path} ${status}`)
        }
      }
      assert.includeMembers(Object.keys(json.components.schemas), [
        "RunStatus",
        "Submission",
        "ExportRequest",
        "RunList"
      ])
    })
  )
})

const listening = (server: Server) =>
  Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

describe("the client", () => {
  it.live("has what the server has, with errors of the API", () =>
    Effect.gen(function* () {
      const { client, cluster } = yield* front
      const run = yield* client.submit({
        account: "lisbon",
        path: ObjectKey.make("bills/all"),
        exportId: ExportId.make("3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        request: {
          entityType: "Bill",
          filters: {
            updatedUtc: {
              startUtc: DateTime.makeUnsafe("2026-05-01T00:00:00Z"),
              endUtc: DateTime.makeUnsafe("2026-06-01T00:00:00Z")
            }
          }
        }
      })
      assert.deepStrictEqual(run, cluster.runs.get(run.id))
      assert.deepStrictEqual(yield* client.status(run.id), run)
      assert.deepStrictEqual(yield* client.list({ account: "lisbon", limit: 5 }), [run])
      assert.strictEqual((yield* client.wait(run.id, "10 millis")).state, "running")
      assert.strictEqual((yield* client.cancel(run.id)).state, "cancelled")
      assert.strictEqual((yield* client.wait(run.id)).state, "cancelled")
      assert.strictEqual((yield* client.resume(run.id, { onExpired: "renew" })).task.onExpired, "renew")

      assert.instanceOf(yield* Effect.flip(client.status(unknownId)), RunStatus.RunNotFound)
      const refused = yield* Effect.flip(client.submit({ account: "madrid", request: { entityType: "Bill" } }))
      assert.deepInclude(refused, { _tag: "InvalidRequest", parameter: "account" })
      cluster.broken = Effect.never
      const away = yield* Effect.flip(client.status(run.id))
      assert.instanceOf(away, ClusterApi.ClusterUnavailable)
      assert.strictEqual(away.message, "The cluster cannot be asked: its database does not answer.")
    })
  )

  const failure = (options: Partial<ClusterClient.ClientOptions> & { readonly url: string }) =>
    Effect.flatMap(ClusterClient.make({ token: Redacted.make(token), ...options }), (client) => client.list()).pipe(
      Effect.flip,
      Effect.provide(FetchHttpClient.layer)
    )

  it.live("tells of a wrong token, of nobody, and of somebody else, without the token", () =>
    Effect.gen(function* () {
      const { url } = yield* front
      assert.deepInclude(yield* failure({ url, token: Redacted.make("another-token-altogether") }), {
        _tag: "Unauthorized",
        problem: "its token is not the cluster's"
      })
      const closed = createServer()
      const port = yield* listening(closed)
      yield* Effect.callback<void>((resume) => void closed.close(() => resume(Effect.void)))
      const nobody = yield* failure({ url: `http://127.0.0.1:${port}` })
      assert.match(nobody.message, /127\.0\.0\.1:\d+ does not answer: nobody listens at that address \(ECONNREFUSED\)/)

      let reached = 0
      const other = createServer((request, response) => {
        reached += request.url === "/elsewhere" ? 1 : 0
        if (request.url?.startsWith("/slow")) return
        if (request.url?.startsWith("/redirect")) response.writeHead(307, { location: "/elsewhere" }).end()
        else if (request.url?.startsWith("/page")) response.end("<html>Sign in</html>")
        else response.writeHead(502).end(`Bad gateway ${request.headers.authorization}`)
      })
      const at = `http://127.0.0.1:${yield* listening(other)}`
      yield* Effect.addFinalizer(() => Effect.sync(() => (other.close(), other.closeAllConnections())))
      for (const [path, said] of [
        ["", /answered HTTP 502/],
        ["/redirect", /answered HTTP 307/],
        ["/page", /something/],
        ["/slow", /does not answer/]
      ] as const) {
        const error = yield* failure({ url: `${at}${path}`, timeout: "300 millis" })
        assert.instanceOf(error, ClusterApi.ClusterUnavailable)
        assert.match(error.message, said)
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, token)
      }
      assert.strictEqual(reached, 0)
    })
  )

  it.live("sends the token nowhere in clear text, unless that is wished", () =>
    Effect.gen(function* () {
      for (const url of [
        "http://longshore.example",
        "ftp://longshore.example",
        "longshore",
        "https://user:pass@longshore.example",
        "https://longshore.example/?token=1"
      ]) {
        assert.strictEqual((yield* failure({ url }))._tag, "InvalidRequest", url)
      }
      const tried = yield* failure({ url: "http://longshore.invalid", plainHttp: true })
      assert.strictEqual(tried._tag, "ClusterUnavailable")
    })
  )
})
