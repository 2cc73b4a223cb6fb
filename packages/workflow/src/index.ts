/**
 * @since 0.1.0
 */
export * as Account from "./Account.ts"
export * as ClusterApi from "./ClusterApi.ts"
export * as ClusterClient from "./ClusterClient.ts"
export * as ClusterJournal from "./ClusterJournal.ts"
export * as ClusterServer from "./ClusterServer.ts"
export * as ExportCluster from "./ExportCluster.ts"
export * as ExportSchedule from "./ExportSchedule.ts"
export * as ExportTask from "./ExportTask.ts"
export * as ExportWorkflow from "./ExportWorkflow.ts"
export * as Fence from "./Fence.ts"
export * as Retention from "./Retention.ts"
export * as RunStatus from "./RunStatus.ts"
