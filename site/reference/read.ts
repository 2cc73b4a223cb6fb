/**
 * Reads the public modules of the published packages. TypeDoc reads comments and resolves their links; the declarations
 * are the compiler's own. (What TypeDoc prints of a type that Effect inferred cannot be read: `(...args) => Effect`.)
 */
import { format } from "oxfmt"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { stripVTControlCharacters } from "node:util"
import {
  Application,
  type Comment,
  type CommentDisplayPart,
  Converter,
  type DeclarationReflection,
  LogLevel,
  OptionDefaults
} from "typedoc"
import ts from "typescript"
import { root } from "../links.ts"

/** The width of declarations: what fits beside the sidebars of a page. */
const columns = 68

/** Something that readers import: a value, a type, or both under one name. */
export interface Entry {
  readonly name: string
  /** From the root of the repository. */
  readonly file: string
  readonly line: number
  readonly comments: ReadonlyArray<Comment>
  /** What can be called, provided or asked for, and so needs an example. */
  readonly needsExample: boolean
  readonly declaration: string
}

export interface Module {
  /** The folder of its package: `core`. */
  readonly folder: string
  /** `@longshore/core` */
  readonly package: string
  /** `ExportRun` */
  readonly name: string
  readonly file: string
  readonly comment: Comment | undefined
  readonly entries: ReadonlyArray<Entry>
}

export interface Reference {
  readonly modules: ReadonlyArray<Module>
  /** What is wrong with links and comments, as TypeDoc says it. */
  readonly problems: ReadonlyArray<string>
  /** Where a link leads. */
  readonly place: (
    target: CommentDisplayPart
  ) => { readonly module: Module; readonly name?: string } | string | undefined
}

const packageOf = (folder: string): { readonly name: string; readonly private?: boolean } =>
  JSON.parse(Fs.readFileSync(Path.join(root, "packages", folder, "package.json"), "utf8"))

export const read = async (): Promise<Reference> => {
  const files = Fs.globSync("packages/*/src/*.ts", { cwd: root })
    .filter((file) => Path.basename(file) !== "index.ts" && packageOf(file.split("/")[1]!).private !== true)
    .sort()
  const app = await Application.bootstrap({
    entryPoints: files.map((file) => Path.join(root, file)),
    tsconfig: Path.join(import.meta.dirname, "../tsconfig.reference.json"),
    basePath: root,
    disableGit: true,
    sourceLinkTemplate: "{path}",
    readme: "none",
    // Declarations too, by the same compiler: see the tsconfig.
    emit: "both",
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    // A word for effect-tsgo, not for readers.
    blockTags: [...OptionDefaults.blockTags, "@effect-expect-leaking"],
    excludeTags: [...OptionDefaults.excludeTags, "@effect-expect-leaking"],
    sort: ["source-order"],
    validation: { notExported: false, invalidLink: true, invalidPath: true, notDocumented: false },
    // Checked by `pnpm typecheck`, with the compiler of the repository.
    skipErrorChecking: true,
    logLevel: LogLevel.Warn
  })
  const problems: Array<string> = []
  app.logger.log = (message, level) => void (level >= LogLevel.Warn && problems.push(stripVTControlCharacters(message)))
  // A module's comment is the one above its imports. TypeDoc would want `@module` in it.
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
    const [first] = context.getSymbolFromReflection(reflection)?.declarations?.find(ts.isSourceFile)?.statements ?? []
    if (first === undefined || !ts.isImportDeclaration(first)) return
    const comment = context.getNodeComment(first, false)
    if (comment !== undefined) reflection.comment = comment
  })
  // `{@link ExportRun}` and `{@link ExportRun.run}` from anywhere, as readers write them.
  app.converter.addUnknownSymbolResolver((reference) => {
    const [module, name] = reference.symbolReference?.path?.map(({ path }) => path) ?? []
    const found = files.find((file) => Path.basename(file, ".ts") === module)
    return found === undefined ? undefined : `module:${found}${name === undefined ? "" : `#${name}`}`
  })

  const project = await app.convert()
  if (project === undefined) throw new Error(`TypeDoc read nothing:\n${problems.join("\n")}`)
  app.validate(project)
  const [entryPoint] = app.getEntryPoints() ?? []
  if (entryPoint === undefined) throw new Error("TypeDoc has no program")
  const { program } = entryPoint

  const modules = await Promise.all(
    files.map(async (file): Promise<Module> => {
      const reflection = project.children?.find(({ sources }) => sources?.[0]?.fileName === file)
      const source = program.getSourceFile(Path.join(root, file))
      if (reflection === undefined || source === undefined) throw new Error(`${file} was not read`)
      const folder = file.split("/")[1]!
      const declarations = await declarationsOf(source)
      const declarationOf = (name: string) => {
        const declaration = declarations.get(name)
        if (declaration === undefined) throw new Error(`${file}: the compiler declares no ${name}`)
        return declaration
      }
      return {
        folder,
        package: packageOf(folder).name,
        name: Path.basename(file, ".ts"),
        file,
        comment: reflection.comment,
        entries: [...Map.groupBy(reflection.children ?? [], ({ name }) => name)].map(([name, merged]) => ({
          name,
          file,
          line: Math.min(...merged.map(({ sources }) => sources?.[0]?.line ?? 1)),
          comments: merged.flatMap(commentOf),
          needsExample: isForUse(declarationOf(name), merged.flatMap(commentOf)),
          declaration: declarationOf(name)
        }))
      }
    })
  )
  return {
    modules,
    problems,
    place: (part) => {
      if (part.kind !== "inline-tag" || part.target === undefined) return undefined
      if (typeof part.target === "string") {
        const [, file, name] = /^module:([^#]*)#?(.*)$/.exec(part.target) ?? []
        const module = modules.find((module) => module.file === file)
        return module === undefined ? part.target : name ? { module, name } : { module }
      }
      if (!("kind" in part.target)) return undefined
      const path = []
      for (let at = part.target; !at.isProject(); at = at.parent!) path.unshift(at)
      const file = path[0]?.isDeclaration() === true ? path[0].sources?.[0]?.fileName : undefined
      const module = modules.find((module) => module.file === file)
      return module === undefined ? undefined : path[1] === undefined ? { module } : { module, name: path[1].name }
    }
  }
}

/** Of a function it stands with its signatures. */
const commentOf = (reflection: DeclarationReflection): ReadonlyArray<Comment> =>
  [reflection.comment, ...(reflection.signatures ?? []).map(({ comment }) => comment)].filter(
    (comment) => comment !== undefined
  )

const isForUse = (declaration: string, comments: ReadonlyArray<Comment>): boolean =>
  /^(function |const \w+: [<(])/.test(declaration) ||
  ["constructors", "layers", "services"].includes(categoryOf(comments) ?? "")

const tagOf = (comments: ReadonlyArray<Comment>, name: `@${string}`): string | undefined =>
  comments
    .flatMap((comment) => comment.getTags(name))
    .map(({ content }) =>
      content
        .map(({ text }) => text)
        .join("")
        .trim()
    )
    .find((text) => text !== "")

export const categoryOf = (comments: ReadonlyArray<Comment>) => tagOf(comments, "@category")
export const sinceOf = (comments: ReadonlyArray<Comment>) => tagOf(comments, "@since")

/** What is exported, by name, as the compiler declares it. Comments of members stay, that of the whole goes. */
const declarationsOf = async (source: ts.SourceFile): Promise<Map<string, string>> => {
  const path = Path.relative(root, source.fileName).replace(/ts$/, "d.ts")
  const text = Fs.readFileSync(Path.join(import.meta.dirname, "../node_modules/.cache/declarations", path), "utf8")
  const file = ts.createSourceFile("module.d.ts", text, ts.ScriptTarget.Latest, true)
  // `class A extends A_base`: what it extends stands in a constant before it.
  const bases = new Map(
    file.statements
      .filter(ts.isVariableStatement)
      .flatMap(({ declarationList }) => declarationList.declarations)
      .filter(({ name }) => name.getText().endsWith("_base"))
      .map(({ name, type }) => [name.getText(), type?.getText() ?? ""])
  )
  const declarations = new Map<string, Array<string>>()
  for (const statement of file.statements) {
    if (!ts.canHaveModifiers(statement)) continue
    if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue
    const name = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations[0]?.name.getText()
      : ts.isClassDeclaration(statement) ||
          ts.isFunctionDeclaration(statement) ||
          ts.isInterfaceDeclaration(statement) ||
          ts.isTypeAliasDeclaration(statement)
        ? statement.name?.text
        : undefined
    if (name === undefined) continue
    const shown = statement
      .getText()
      .replace(/^export /, "")
      .replace(/(?<= extends )\w+_base\b/, (base) => {
        const type = bases.get(base) ?? base
        return type.startsWith("new ") ? baseOf(source, name) : type
      })
      .replaceAll(/import\("([^"]*)"\)\.(\w+)/g, (_, from: string, type: string) => {
        const module = Path.basename(from, ".ts")
        return from.startsWith(".") || module === type ? type : `${module}.${type}`
      })
      .replaceAll(/\bargs_(\d+)(\??:)/g, (all, index: string, colon: string) => {
        const parameter = parametersOf(source, name)[Number(index)]
        return parameter === undefined ? all : `${parameter}${colon}`
      })
    declarations.set(name, [...(declarations.get(name) ?? []), shown])
  }
  const formatted = new Map<string, string>()
  for (const [name, parts] of declarations) {
    const { code, errors } = await format(`${name}.d.ts`, parts.join("\n\n"), {
      printWidth: 80,
      semi: false,
      trailingComma: "none"
    })
    if (errors.length > 0)
      throw new Error(
        `The declaration of ${name} (${source.fileName}) cannot be formatted: ${errors[0]?.message}\n${parts.join("\n\n")}`
      )
    formatted.set(name, reflow(code.trim().replaceAll(/^declare /gm, "")))
  }
  return formatted
}

/** Comments of members, at the width of what they stand in. */
const reflow = (code: string): string =>
  code.replaceAll(/^( *)\/\*\*([^]*?)\*\/$/gm, (_, indent: string, comment: string) => {
    const paragraphs = comment
      .replaceAll(/^ *\* ?/gm, "")
      .trim()
      .split(/\n\s*\n/)
      .map((text) => text.split(/\s+/))
    const [only = []] = paragraphs
    const line = `${indent}/** ${only.join(" ")} */`
    if (paragraphs.length === 1 && line.length <= columns) return line
    const lines = paragraphs.flatMap((words, index) => {
      const wrapped = index === 0 ? [""] : ["", ""]
      for (const word of words) {
        const longer = `${wrapped.at(-1)} ${word}`
        if (`${indent} *${longer}`.length <= columns || wrapped.at(-1) === "") wrapped[wrapped.length - 1] = longer
        else wrapped.push(` ${word}`)
      }
      return wrapped
    })
    return [`${indent}/**`, ...lines.map((text) => `${indent} *${text}`), `${indent} */`].join("\n")
  })

/** What a class extends, as the source says it: for a type that cannot stand there. */
const baseOf = (source: ts.SourceFile, name: string): string => {
  const found = source.statements.filter(ts.isClassDeclaration).find((statement) => statement.name?.text === name)
  return found?.heritageClauses?.[0]?.types[0]?.expression.getText(source) ?? "unknown"
}

/** The names that the source gives to the parameters of a function made by another, such as `Effect.fnUntraced`. */
const parametersOf = (source: ts.SourceFile, name: string): ReadonlyArray<string> => {
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const declaration of statement.declarationList.declarations) {
      if (declaration.name.getText(source) !== name || declaration.initializer === undefined) continue
      const made = declaration.initializer
      const inner = ts.isCallExpression(made) ? made.arguments.find(ts.isFunctionExpression) : undefined
      return (inner?.parameters ?? []).map((parameter) =>
        ts.isIdentifier(parameter.name) ? parameter.name.text : "options"
      )
    }
  }
  return []
}
