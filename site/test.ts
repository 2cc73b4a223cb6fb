/**
 * Looks at every page of the built site in a real browser, at the width of a phone and of a desk.
 *
 *   node site/test.ts [--screenshots DIR] [--only PATTERN]
 *
 * Needs Debian's Chromium; as root, it is installed where it is missing.
 */
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { type Browser, chromium, type Page } from "playwright-core"
import { base, docs } from "./links.ts"

const { values } = parseArgs({ options: { screenshots: { type: "string" }, only: { type: "string", default: "" } } })

const dist = Path.join(import.meta.dirname, "dist")
const executablePath = "/usr/bin/chromium"
const sizes = [
  { name: "phone", width: 360, height: 740 },
  { name: "desk", width: 1280, height: 800 }
] as const
type Size = (typeof sizes)[number]
/** Pixels: what the smallest text of a picture has to have left on the screen. */
const smallestText = 9

let passed = 0
let failed = 0
const report = (name: string, problems: ReadonlyArray<string>) => {
  if (problems.length === 0) passed += 1
  else failed += 1
  for (const problem of problems) console.log(`FAILED ${name}: ${problem}`)
}

const ensureChromium = () => {
  if (Fs.existsSync(executablePath)) return
  const install = Path.join(import.meta.dirname, "../scripts/debian.mjs")
  spawnSync(process.execPath, [install, "chromium", "fonts-dejavu-core"], { stdio: "inherit" })
  if (!Fs.existsSync(executablePath)) throw new Error("Chromium is missing: apt-get install chromium")
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2"
}

/** The folder as any host of files serves it: nothing is rewritten. */
const serve = async () => {
  const server = Http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost")
    const path = Path.join(
      dist,
      decodeURI(pathname)
        .slice(base.length)
        .replace(/(^|\/)$/, "$1index.html")
    )
    if (!pathname.startsWith(base) || !Fs.statSync(path, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { "content-type": types[Path.extname(path)] ?? "application/octet-stream" })
    Fs.createReadStream(path).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The site is not served")
  return { server, origin: `http://127.0.0.1:${address.port}` }
}

/** Of a picture: its width in its own units, and its smallest text in them. */
const smallestTextOf = (file: string): { readonly width: number; readonly text: number } | undefined => {
  const svg = Fs.readFileSync(Path.join(docs, "pictures", file), "utf8")
  const [, width] = /viewBox="[\d.-]+ [\d.-]+ ([\d.]+)/.exec(svg) ?? []
  const texts = [...svg.matchAll(/font(?:-size)?: *(?:\d+ )?([\d.]+)px|font-size="([\d.]+)/g)].map(([, a, b]) =>
    Number(a ?? b)
  )
  return width === undefined || texts.length === 0 ? undefined : { width: Number(width), text: Math.min(...texts) }
}

interface Looked {
  readonly ids: ReadonlyArray<string>
  readonly links: ReadonlyArray<string>
}

/** What is on the page, and what is wrong with it. */
const look = async (page: Page): Promise<Looked & { readonly problems: ReadonlyArray<string> }> => {
  const seen = await page.evaluate(() => {
    const root = document.documentElement
    const text = (element: Element) => `${element.tagName.toLowerCase()}.${element.className}`
    return {
      width: root.clientWidth,
      overflow: root.scrollWidth > root.clientWidth,
      // What sticks out, and is not inside something that scrolls.
      wide: [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1)
        .filter((element) => element.closest("pre, table, .VPNavScreen, .VPSidebar") === null)
        .slice(0, 3)
        .map(text),
      images: [...document.querySelectorAll<HTMLImageElement>("img")]
        .filter((image) => image.offsetParent !== null)
        .map((image) => ({
          source: image.currentSrc,
          alt: image.alt,
          loaded: image.complete && image.naturalWidth > 0,
          logo: image.classList.contains("logo"),
          width: image.getBoundingClientRect().width - parseFloat(getComputedStyle(image).paddingLeft) * 2
        })),
      heading: document.querySelector(".vp-doc h1")?.textContent ?? "",
      ids: [...document.querySelectorAll("[id]")].map(({ id }) => id),
      links: [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map(({ href }) => href)
    }
  })
  return {
    ids: seen.ids,
    links: seen.links,
    problems: [
      ...(seen.heading === "" ? ["no heading"] : []),
      ...(seen.overflow ? [`wider than ${seen.width}: ${seen.wide.join(", ")}`] : []),
      ...seen.images.flatMap(({ alt, loaded, logo, source, width }) => {
        if (!loaded) return [`${source} did not load`]
        if (logo) return []
        if (alt === "") return [`${source} has no text instead of it`]
        // Built names have a hash; small pictures are inlined, and their text is in the address.
        const name = Fs.readdirSync(Path.join(docs, "pictures")).find((file) =>
          source.includes(`/${Path.basename(file, ".svg")}.`)
        )
        const picture = name === undefined ? undefined : smallestTextOf(name)
        if (picture === undefined) return width < 200 ? [`${source} is ${width} wide`] : []
        const shown = (picture.text * width) / picture.width
        return shown < smallestText ? [`text of ${name} is ${shown.toFixed(1)} px high`] : []
      })
    ]
  }
}

/** A page that notes what goes wrong in it. */
const open = async (browser: Browser, { height, width }: Size, origin: string) => {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: "reduce" })
  const page = await context.newPage()
  let problems: Array<string> = []
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`)
  })
  page.on("pageerror", (error) => void problems.push(`error: ${error.message}`))
  page.on("request", (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !url.startsWith("data:")) problems.push(`asks another host: ${url}`)
  })
  page.on("requestfailed", (request) => {
    // A page that is left no longer waits for what it fetched ahead.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") problems.push(`failed: ${request.url()}`)
  })
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`)
  })
  return { page, problems: () => problems.splice(0) }
}

const shoot = async (page: Page, name: string) => {
  if (values.screenshots === undefined) return
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme })
    await page.waitForTimeout(300)
    const height = await page.evaluate(() => document.documentElement.scrollHeight)
    const width = page.viewportSize()?.width ?? 0
    await page.screenshot({
      path: Path.join(values.screenshots, `${name}.${colorScheme}.png`),
      fullPage: true,
      clip: { x: 0, y: 0, width, height: Math.min(height, 2600) }
    })
  }
  await page.emulateMedia({ colorScheme: "light" })
}

const pages = Fs.globSync("**/*.html", { cwd: dist })
  .filter((file) => file !== "404.html" && new RegExp(values.only).test(file))
  .sort()
if (pages.length === 0) throw new Error("There is nothing in site/dist: pnpm site")
if (values.screenshots !== undefined) Fs.mkdirSync(values.screenshots, { recursive: true })

ensureChromium()
const { origin, server } = await serve()
const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync"
  ]
})

const looked = new Map<string, Looked>()
await Promise.all(
  sizes.map(async (size) => {
    const { page, problems } = await open(browser, size, origin)
    for (const file of pages) {
      const name = `${file} (${size.name})`
      await page.goto(`${origin}${base}${file}`, { waitUntil: "networkidle" })
      const found = await look(page)
      if (size.name === "desk") looked.set(file, found)
      await shoot(page, `${file.replace(/\.html$/, "").replaceAll("/", "-")}.${size.name}`)
      report(name, [...found.problems, ...problems()])
    }
    report(`search (${size.name})`, [...(await search(page)), ...problems()])
    if (size.name === "phone") report("menu (phone)", [...(await menu(page)), ...problems()])
  })
)

async function search(page: Page): Promise<ReadonlyArray<string>> {
  await page.goto(`${origin}${base}index.html`, { waitUntil: "networkidle" })
  await page
    .getByRole("button", { name: /search/i })
    .first()
    .click()
  await page.locator("#localsearch-input").fill("resume")
  const first = page.locator("#localsearch-list .result").first()
  await first.waitFor({ timeout: 10_000 }).catch(() => undefined)
  const results = await page.locator("#localsearch-list .result").allTextContents()
  if (!results.some((text) => /resume/i.test(text))) return ["finds nothing about resume"]
  await first.click()
  await page.waitForURL((url) => !/(\/|index\.html)$/.test(url.pathname), { timeout: 10_000 })
  return /resum/i.test((await page.locator(".vp-doc").textContent()) ?? "") ? [] : [`leads to ${page.url()}`]
}

async function menu(page: Page): Promise<ReadonlyArray<string>> {
  await page.goto(`${origin}${base}errors.html`, { waitUntil: "networkidle" })
  await page.getByRole("button", { name: "Menu" }).click()
  await page.locator(".VPSidebar").getByRole("link", { name: "Getting started" }).click()
  await page.waitForURL(/getting-started/, { timeout: 10_000 })
  return []
}

// Links, once every page was seen.
if (values.only === "")
  for (const [file, { links }] of looked) {
    const problems = new Set<string>()
    for (const link of links) {
      const url = new URL(link)
      if (url.origin !== origin) continue
      const target = decodeURI(url.pathname)
        .slice(base.length)
        .replace(/(^|\/)$/, "$1index.html")
      const ids = looked.get(target)?.ids
      if (!url.pathname.startsWith(base) || (ids === undefined && !Fs.existsSync(Path.join(dist, target))))
        problems.add(`no page ${url.pathname}`)
      else if (url.hash !== "" && ids?.includes(decodeURIComponent(url.hash.slice(1))) !== true)
        problems.add(`no place ${url.pathname}${url.hash}`)
    }
    report(`links of ${file}`, [...problems])
  }

await browser.close()
server.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
