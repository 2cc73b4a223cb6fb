/** What Longshore keeps in the database besides the engine's own tables. */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"

/** Makes what is missing. Runners that start together do not disturb each other. */
export const migrate = Migrator.make({})({
  table: "longshore_migrations",
  loader: Migrator.fromRecord({
    "0001_fence": Effect.flatMap(
      SqlClient,
      (sql) => sql`
        CREATE TABLE longshore_fence (
          run VARCHAR(255) PRIMARY KEY,
          epoch BIGINT NOT NULL
        )`
    )
  })
})
