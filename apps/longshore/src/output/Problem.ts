/** What can be wrong with a command before a run begins. */
import * as Schema from "effect/Schema"

const fields = { problem: Schema.String, nextStep: Schema.String }

/** The command line asks for something that cannot be. */
export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", fields) {
  override get message(): string {
    return this.problem
  }
}

/** Something that the program needs to know is missing or cannot be read. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", fields) {
  override get message(): string {
    return this.problem
  }
}
