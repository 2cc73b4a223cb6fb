// Fails if npm does not know where a package that was just published was built. pnpm publishes without a signed statement where it gets no
// OIDC token, and a green workflow would not show that.
//
//   node scripts/release/provenance.mjs '[{ "name": "longshore", "version": "0.1.0" }]'
import { setTimeout as sleep } from "node:timers/promises"

const published = JSON.parse(process.argv[2] || "[]")
const registry = process.env.npm_config_registry ?? "https://registry.npmjs.org/"

/** What was published appears a little later. */
const statementOf = async ({ name, version }) => {
  for (let tries = 0; tries < 12; tries++) {
    const response = await fetch(new URL(`${name.replace("/", "%2f")}/${version}`, registry))
    if (response.ok) return (await response.json()).dist.attestations?.provenance?.predicateType
    await sleep(10_000)
  }
  throw new Error(`${name}@${version} does not appear in ${registry}`)
}

for (const release of published) {
  const statement = await statementOf(release)
  console.log(
    `${statement === undefined ? "WRONG " : "ok    "} ${release.name}@${release.version} ${statement ?? "has no provenance"}`
  )
  if (statement === undefined) process.exitCode = 1
}
