import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { crc32 as zlib } from "node:zlib"
import { Crc32 } from "../src/index.ts"

describe("Crc32", () => {
  it.effect.prop(
    "the portable default is the CRC-32 of zlib, in one piece or two",
    [Schema.Uint8Array, Schema.Uint8Array],
    ([a, b]) =>
      Effect.gen(function* () {
        const crc32 = yield* Crc32.Crc32
        const whole = zlib(Buffer.concat([a, b]))
        assert.strictEqual(crc32(Buffer.concat([a, b])), whole)
        assert.strictEqual(crc32(b, crc32(a)), whole)
        assert.strictEqual(Crc32.combine(crc32(a), crc32(b), b.length), whole)
      })
  )

  it.effect("agrees with the published check value", () =>
    Effect.gen(function* () {
      const crc32 = yield* Crc32.Crc32
      assert.strictEqual(Crc32.toHex(crc32(new TextEncoder().encode("123456789"))), "cbf43926")
    })
  )

  it("combines over lengths beyond 32 bits", () => {
    // 5 GiB of zero bytes, by doubling, against adding them a GiB at a time.
    const gib = 2 ** 30
    let one = zlib(Buffer.alloc(1024))
    for (let length = 1024; length < gib; length *= 2) one = Crc32.combine(one, one, length)
    let sum = one
    for (let n = 1; n < 5; n++) sum = Crc32.combine(sum, one, gib)
    let four = one
    for (let length = gib; length < 4 * gib; length *= 2) four = Crc32.combine(four, four, length)
    assert.strictEqual(sum, Crc32.combine(one, four, 4 * gib))
    assert.strictEqual(Crc32.toHex(Crc32.combine(zlib("a"), one, gib)).length, 8)
  })
})
