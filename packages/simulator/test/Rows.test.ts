import { assert, describe, it } from "@effect/vitest"
import { entityTypes } from "@longshore/core/Export"
import { Rows } from "../src/index.ts"

const seed: Rows.FileSeed = { seed: 7, entityType: "Reservation", sequence: 1, file: 1, revision: 0 }
const all = (rows: Rows.Rows) => Buffer.concat([...rows.read(0, rows.size)])

describe("rows", () => {
  for (const entityType of entityTypes) {
    it(`${entityType}: every line is an object with the documented fields first`, () => {
      const lines = all(Rows.make({ ...seed, entityType }, 60_000))
        .toString()
        .trimEnd()
        .split("\n")
      assert.isAbove(lines.length, 10)
      for (const line of lines) {
        const row: Record<string, unknown> = JSON.parse(line)
        assert.isAbove(Object.keys(row).length, 10)
        assert.match(String(row["Id"]), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
    })
  }

  for (const size of [0, 1, 2, 30, 62, 63, 599, 600, 601, 5_000, 1_048_576, 3_500_001]) {
    it(`a file of ${size} bytes has ${size}, and is JSON lines`, () => {
      const bytes = all(Rows.make(seed, size))
      assert.strictEqual(bytes.length, size)
      if (size === 0) return
      assert.isTrue(bytes.toString().endsWith("\n"))
      for (const line of bytes.toString().slice(0, -1).split("\n")) if (size > 1) JSON.parse(line)
    })
  }

  it("any piece is the piece of the whole", () => {
    const rows = Rows.make(seed, 3_500_001)
    const whole = all(rows)
    for (let n = 0; n < 60; n++) {
      const offset = (n * 61_001) % rows.size
      const length = 1 + ((n * 7_919_333) % 1_500_000)
      assert.strictEqual(
        Buffer.compare(Buffer.concat([...rows.read(offset, length)]), whole.subarray(offset, offset + length)),
        0
      )
    }
  })

  it("the same seed gives the same bytes; another file, export, revision or seed gives others", () => {
    const bytes = all(Rows.make(seed, 20_000))
    assert.strictEqual(Buffer.compare(all(Rows.make({ ...seed }, 20_000)), bytes), 0)
    for (const other of [{ file: 2 }, { sequence: 2 }, { revision: 1 }, { seed: 8 }, { entityType: "Customer" }]) {
      assert.notStrictEqual(Buffer.compare(all(Rows.make({ ...seed, ...other }, 20_000)), bytes), 0)
    }
  })

  it("no id comes twice, and no part of a file is like another", () => {
    const bytes = all(Rows.make(seed, 5_000_000))
    const ids = bytes
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(7, 43))
    assert.strictEqual(new Set(ids).size, ids.length)
  })
})
