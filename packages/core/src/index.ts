/**
 * @since 0.1.0
 */
export * as ConnectorApi from "./ConnectorApi.ts"
export * as Crc32 from "./Crc32.ts"
export * as Export from "./Export.ts"
export * as ExportError from "./ExportError.ts"
export * as ExportEvent from "./ExportEvent.ts"
export * as ExportRun from "./ExportRun.ts"
export * as Exports from "./Exports.ts"
export * as FileLinks from "./FileLinks.ts"
export * as HttpSource from "./HttpSource.ts"
export * as Journal from "./Journal.ts"
export * as Manifest from "./Manifest.ts"
export * as ObjectSink from "./ObjectSink.ts"
export * as RunIdentity from "./RunIdentity.ts"
export * as RunSummary from "./RunSummary.ts"
export * as Source from "./Source.ts"
export * as Transfer from "./Transfer.ts"
