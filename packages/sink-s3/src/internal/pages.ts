/** Lists, which servers give in pages. */
import { ListObjectsV2Command, type ListObjectsV2CommandOutput, type _Object } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import type { Call, S3 } from "./client.ts"
import { endless, type S3Failure } from "./failure.ts"

/** Entries, and pages. Nobody keeps as many below one prefix. */
const most = 100_000

export interface List<Page, Item> {
  /** For the page after this one, or the first. */
  readonly ask: (...args: [...Parameters<Call<Page>>, after: Page | undefined]) => Promise<Page>
  /** Where the next page begins; `undefined` if there is none. */
  readonly next: (page: Page) => string | undefined
  readonly items: (page: Page) => ReadonlyArray<Item>
}

/**
 * All of a list. Not with the SDK's paginators: they go on for as long as there is a marker, and Ceph always gives one.
 * A server that never says "the end" is not asked for ever, and what it said is not taken for the whole.
 */
export const whole = Effect.fnUntraced(function* <Page, Item>(
  s3: S3,
  { ask, items, next }: List<Page, Item>
): Effect.fn.Return<{ readonly items: ReadonlyArray<Item>; readonly last: Page }, S3Failure> {
  const found: Array<Item> = []
  const markers = new Set<string>()
  let after: Page | undefined
  for (;;) {
    const page: Page = yield* s3.patiently((client, options) => ask(client, options, after))
    for (const item of items(page)) found.push(item)
    const marker = next(page)
    if (marker === undefined) return { items: found, last: page }
    if (markers.has(marker) || markers.size + found.length > most) return yield* Effect.fail(endless)
    markers.add(marker)
    after = page
  }
})

/** All objects whose keys begin like this. */
export const objects = (s3: S3, prefix: string): Effect.Effect<ReadonlyArray<_Object>, S3Failure> =>
  whole(s3, {
    ask: (client, options, after: ListObjectsV2CommandOutput | undefined) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: s3.bucket,
          Prefix: prefix,
          ContinuationToken: after?.NextContinuationToken
        }),
        options
      ),
    next: (page) => (page.IsTruncated === true ? (page.NextContinuationToken ?? "") : undefined),
    items: (page: ListObjectsV2CommandOutput) => page.Contents ?? []
  }).pipe(Effect.map(({ items }) => items))
