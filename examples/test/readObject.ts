import { DatabaseSync } from "node:sqlite"

/** What a reader who knows the tables finds, by a connection of their own. */
export const readObject = (path: string, key: string): Buffer | undefined => {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const object = db.prepare("SELECT plan FROM object WHERE key = ?").get(key)
    if (object === undefined) return undefined
    const parts = db.prepare("SELECT bytes FROM part WHERE key = ? AND plan = ? ORDER BY number")
    return Buffer.concat(parts.all(key, object["plan"] ?? "").map(({ bytes }) => bytes as Uint8Array))
  } finally {
    db.close()
  }
}
