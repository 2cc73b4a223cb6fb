/**
 * @since 0.1.0
 */
export * as ConnectorApi from "./ConnectorApi.ts"
export * as Crc32 from "./Crc32.ts"
export * as Export from "./Export.ts"
export * as ExportError from "./ExportError.ts"
export * as ExportEvent from "./ExportEvent.ts"
export * as Journal from "./Journal.ts"
export * as Manifest from "./Manifest.ts"
export * as ObjectSink from "./ObjectSink.ts"
export * as Source from "./Source.ts"
