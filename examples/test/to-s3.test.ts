/** `to-s3.ts` into the S3 server of the tests: a real one where the environment names it (`pnpm s3-test`), else an imitation. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { bucket, fresh, server } from "../../packages/sink-s3/test/server.ts"
import { makeLab } from "./lab.ts"

it.live(
  `to-s3: into ${server}`,
  () =>
    Effect.gen(function* () {
      const lab = yield* makeLab({ fileSizes: [9_000_000, 300_000, 0] })
      const { options, prefix, read } = yield* fresh
      const { code, output } = yield* lab.run("to-s3.ts", [bucket, prefix], {
        AWS_ENDPOINT_URL: options.endpoint ?? "",
        AWS_ACCESS_KEY_ID: process.env["AWS_ACCESS_KEY_ID"] ?? "imitation",
        AWS_SECRET_ACCESS_KEY: process.env["AWS_SECRET_ACCESS_KEY"] ?? "imitation"
      })
      assert.strictEqual(code, 0, output)
      assert.include(output, `3 files, verified: s3://${bucket}/${prefix}/Bill/`)
      for (const { bytes, folder, key } of yield* lab.exported) {
        assert.strictEqual(Buffer.compare((yield* read(key)) ?? Buffer.from("nothing"), bytes), 0, key)
        assert.isDefined(yield* read(`${folder}/manifest.json`))
      }
    }),
  180_000
)
