import { describe, expect, it } from "vitest"
import { database, needsPostgres, outage } from "./database.ts"
import { leaks } from "./leaks.ts"

describe("the database of the cluster's tests", () => {
  it("a secret in any column of any table is found, however it is spelled", { timeout: 30_000 }, async (context) => {
    needsPostgres(context)
    const { dump, query } = await database(context)
    const secret = "ACCESS/hotel+0123456789abcdef=&"
    await query(`
      CREATE TABLE plain (word text);
      CREATE SCHEMA other; CREATE TABLE other.bytes (content bytea); CREATE TABLE other.documents (content jsonb)`)
    const found = async () => leaks({ token: secret }, new Map([["dump", await dump()]]))
    expect(await found()).toEqual([])
    await query(`INSERT INTO plain VALUES ('before ${secret} after')`)
    expect(await found()).toContain("token, plain in dump")
    await query(`TRUNCATE plain; INSERT INTO other.bytes VALUES (convert_to('${secret}', 'UTF8'))`)
    expect(await found()).toEqual(["token, hexadecimal in dump"])
    await query(
      `TRUNCATE other.bytes; INSERT INTO other.documents VALUES (jsonb_build_object('a', to_jsonb('${secret}'::text)::text))`
    )
    expect(await found()).toContain("token, plain in dump")
  })

  it("an outage is one, and keeps what was committed", { timeout: 60_000 }, async (context) => {
    needsPostgres(context)
    const { query } = await database(context)
    await query("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    await outage(async () => {
      await expect(query("SELECT n FROM kept")).rejects.toThrow(/Connection refused/)
    })
    expect(await query("SELECT n FROM kept")).toBe("7\n")
  })
})
