import { assert, describe, it } from "@effect/vitest"
import type { WitnessedRequest } from "../src/Simulator.ts"
import { Witness } from "../src/index.ts"

const iso = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000).toISOString()
const request = (
  kind: WitnessedRequest["kind"],
  from: number,
  to: number,
  more: Partial<WitnessedRequest> = {}
): WitnessedRequest => ({
  kind,
  at: iso(to),
  receivedAt: iso(from),
  account: "one",
  entityType: "Bill",
  exportId: null,
  file: null,
  range: null,
  status: 200,
  bytes: 0,
  ...more
})

describe("accounts", () => {
  it("the most calls in a window, wherever it begins, and downloads do not count", () => {
    const requests = [
      ...[0, 20, 29, 30, 49, 50].map((at) => request("getAll", at, at + 1)),
      ...[20, 21, 22].map((at) => request("file", at, at + 60))
    ]
    // From 20 up to 50, without 50 itself.
    assert.deepInclude(Witness.accounts(requests)[0], { looks: 6, adds: 0, mostInWindow: 4 })
    assert.deepInclude(Witness.accounts(requests, "1 second")[0], { mostInWindow: 1 })
    assert.deepInclude(Witness.accounts(requests, "51 seconds")[0], { mostInWindow: 6 })
  })

  it("adds that overlap, of one type and account; refusals by their kind", () => {
    const requests = [
      request("add", 0, 10),
      request("add", 9, 12, { status: 409 }),
      request("add", 12, 13),
      request("add", 0, 20, { entityType: "Customer" }),
      request("add", 0, 20, { account: "two" }),
      request("add", 1, 2, { account: "two", entityType: "Customer", status: 429 }),
      request("getAll", 5, 6, { account: null })
    ]
    assert.deepStrictEqual(Witness.accounts(requests), [
      { account: "one", adds: 4, looks: 0, mostInWindow: 4, limited: 0, refused: 1, mostAddsAtOnce: 2 },
      { account: "two", adds: 2, looks: 0, mostInWindow: 2, limited: 1, refused: 0, mostAddsAtOnce: 1 }
    ])
  })

  it("nobody asked", () => {
    assert.deepStrictEqual(Witness.accounts([]), [])
  })
})
