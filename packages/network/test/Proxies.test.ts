import { describe, expect, it } from "vitest"
import * as Redacted from "effect/Redacted"
import { Proxies } from "../src/index.ts"

const through = (env: Proxies.Environment, address: string): string | undefined =>
  Proxies.fromEnv(env).of(new URL(address))?.url.origin

describe("a proxy", () => {
  const all = { HTTP_PROXY: "http://for-http", HTTPS_PROXY: "http://for-https:8080", ALL_PROXY: "http://for-all" }

  it.each<[env: Proxies.Environment, address: string, proxy: string | undefined]>([
    [all, "https://api.mews.com", "http://for-https:8080"],
    [all, "http://api.mews.com", "http://for-http"],
    [{ ALL_PROXY: "http://for-all" }, "https://api.mews.com", "http://for-all"],
    [{ HTTPS_PROXY: "http://for-https" }, "http://api.mews.com", undefined],
    [{ HTTP_PROXY: "http://for-http" }, "https://api.mews.com", undefined],
    [{ ...all, https_proxy: "http://lower" }, "https://api.mews.com", "http://lower"],
    // Empty is unset, in either spelling.
    [{ ...all, https_proxy: " " }, "https://api.mews.com", "http://for-https:8080"],
    [{ HTTPS_PROXY: "" }, "https://api.mews.com", undefined],
    [{ HTTPS_PROXY: "proxy:3128" }, "https://api.mews.com", "http://proxy:3128"],
    [{ HTTPS_PROXY: "https://proxy" }, "https://api.mews.com", "https://proxy"],
    [{}, "https://api.mews.com", undefined]
  ])("%j leads %s to %s", (env, address, proxy) => expect(through(env, address)).toBe(proxy))

  it.each(["http://localhost:1", "https://127.0.0.1", "https://127.9.9.9", "http://[::1]:80", "https://a.localhost"])(
    "never leads to this machine, %s",
    (address) => expect(through(all, address)).toBeUndefined()
  )

  it.each<[exceptions: string, address: string, excepted: boolean]>([
    ["*", "https://api.mews.com", true],
    ["mews.com", "https://mews.com", true],
    ["mews.com", "https://api.MEWS.com.", true],
    [".mews.com", "https://api.mews.com", true],
    ["*.mews.com", "https://api.mews.com", true],
    ["MEWS.com", "https://notmews.com", false],
    ["mews.com", "https://mews.com.evil.test", false],
    ["other.test mews.com", "https://mews.com", true],
    ["other.test, mews.com", "https://mews.com", true],
    ["mews.com:443", "https://mews.com", true],
    ["mews.com:443", "https://mews.com:8443", false],
    ["mews.com:80", "https://mews.com", false],
    ["10.0.0.1", "https://10.0.0.1", true],
    ["10.0.0.1", "https://10.0.0.10", false],
    ["10.0.0.1:9000", "https://10.0.0.1:9000", true],
    ["10.0.0.1:9000", "https://10.0.0.1:9001", false],
    ["10.0.0.0/8", "https://10.200.3.4", true],
    ["10.0.0.0/8", "https://11.0.0.1", false],
    ["10.0.0.0/40", "https://10.0.0.1", false],
    ["10.0.0.0/8", "https://10.example.test", false],
    ["fd00::1", "https://[fd00::1]", true],
    ["[fd00::1]:9000", "https://[fd00::1]:9000", true],
    ["[fd00::1]:9000", "https://[fd00::1]", false],
    ["fd00::/8", "https://[fdab::7]", true],
    ["fd00::/8", "https://10.0.0.1", false],
    [",, ,", "https://mews.com", false]
  ])("with NO_PROXY=%s and %s: excepted is %s", (exceptions, address, excepted) => {
    expect(through({ ...all, NO_PROXY: exceptions }, address) === undefined).toBe(excepted)
  })

  it("keeps a name and a password to itself", () => {
    const [proxy] = Proxies.fromEnv({ https_proxy: "http://us%40er:p%3Ass@proxy:3128" }).named
    expect(Redacted.value(proxy!.authorization!)).toBe(`Basic ${Buffer.from("us@er:p:ss").toString("base64")}`)
    expect(`${JSON.stringify(proxy)} ${Proxies.describe(proxy!)} ${String(proxy!.url)}`).not.toMatch(/us|p:ss|p%3Ass/)
    expect(Proxies.describe(proxy!)).toBe("http://proxy:3128 (https_proxy)")
  })

  it.each<[value: string, problem: RegExp]>([
    ["socks5://user:secret@proxy:1080", /^ALL_PROXY names a proxy that speaks socks5/],
    ["http://user:secret@:3128", /^ALL_PROXY is not the address of a proxy/],
    ["http://", /^ALL_PROXY is not the address of a proxy/],
    ["secret word", /^ALL_PROXY is not the address of a proxy/]
  ])("that is none, %s, says so and does not repeat it", (value, problem) => {
    const [proxy] = Proxies.fromEnv({ ALL_PROXY: value }).named
    expect(proxy?.problem).toMatch(problem)
    expect(JSON.stringify(proxy)).not.toContain("secret")
  })
})
