import { assert, describe, it } from "@effect/vitest"
import { RunSummary } from "../src/index.ts"
import { ExportId } from "../src/Export.ts"

const id = (n: number) => ExportId.make(`00000000-0000-4000-8000-00000000000${n}`)
const stepsOf = (steps: Record<string, unknown>) =>
  new Map(Object.entries(steps).map(([name, value]) => [name, { at: "2026-11-24T03:00:00.000Z", value }]))
const accepted = (n: number) => ({ _tag: "Accepted", exportId: id(n) })
const ready = (sizes: ReadonlyArray<number>, expiresUtc: string | null) => ({
  _tag: "Some",
  value: { files: sizes.map((size, index) => ({ index, path: `/${index}`, size })), expiresUtc }
})
const expires = "2026-12-01T00:00:00.000Z"

describe("the exports of a run", () => {
  const cases: ReadonlyArray<readonly [string, Record<string, unknown>, ExportId | undefined, object]> = [
    ["none yet", { intent: { process: "x" } }, undefined, []],
    [
      "given up for the next one, which is ready",
      {
        add: { _tag: "Refused" },
        "add#2": accepted(1),
        ready: ready([7], expires),
        renew: { reason: "expired" },
        "2.add": accepted(2),
        "2.ready": ready([3, 4], null)
      },
      undefined,
      [
        { exportId: id(1), state: "givenUp", files: [{ index: 0, size: 7 }], expiresUtc: expires },
        {
          exportId: id(2),
          state: "unfinished",
          files: [
            { index: 0, size: 3 },
            { index: 1, size: 4 }
          ],
          expiresUtc: undefined
        }
      ]
    ],
    [
      "given up, and no other one was accepted",
      { add: accepted(1), renew: { reason: "failed" } },
      undefined,
      [{ exportId: id(1), state: "givenUp", files: [], expiresUtc: undefined }]
    ],
    [
      "taken up, and complete",
      { ready: ready([], expires), "complete#2": { completedUtc: expires } },
      id(3),
      [{ exportId: id(3), state: "complete", files: [], expiresUtc: expires }]
    ]
  ]
  for (const [what, steps, adopted, expected] of cases) {
    it(`tells: ${what}`, () => {
      assert.deepStrictEqual(RunSummary.exportsOf(stepsOf(steps), adopted), expected)
    })
  }
})
