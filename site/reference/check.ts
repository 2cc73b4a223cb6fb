/**
 * Holds the docblocks of everything public: a description, `@since`, `@category`, links that lead somewhere, and an
 * `@example` for what can be used, in its own docblock or its module's.
 */
import type { Comment } from "typedoc"
import { categoryOf, type Reference, sinceOf } from "./read.ts"

export const check = ({ modules, problems }: Reference): ReadonlyArray<string> => [
  ...modules.flatMap((module) => {
    const told = module.comment === undefined ? [] : [module.comment]
    const example = told.some(hasExample)
    const lacks = (at: string, what: ReadonlyArray<string | false>) => {
      const missing = what.filter((text) => text !== false)
      return missing.length === 0 ? [] : [`${at} lacks ${missing.join(", ")}`]
    }
    return [
      ...lacks(`${module.file}:1 module ${module.name}`, [
        !told.some(hasText) && "a description",
        sinceOf(told) === undefined && "@since"
      ]),
      ...module.entries.flatMap(({ comments, file, line, name, needsExample }) =>
        lacks(`${file}:${line} ${module.name}.${name}`, [
          !comments.some(hasText) && "a description",
          sinceOf(comments) === undefined && "@since",
          categoryOf(comments) === undefined && "@category",
          needsExample && !example && !comments.some(hasExample) && "@example (its own, or its module's)"
        ])
      )
    ]
  }),
  ...problems
]

const hasText = (comment: Comment) => comment.summary.some(({ text }) => text.trim() !== "")
const hasExample = (comment: Comment) => comment.getTags("@example").length > 0
