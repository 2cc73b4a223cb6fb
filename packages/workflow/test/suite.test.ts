import { Journal } from "@longshore/core/Journal"
import { JournalSuite } from "@longshore/testkit"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { WorkflowEngine, WorkflowInstance, layerMemory } from "effect/workflow/WorkflowEngine"
import { ClusterJournal, ExportWorkflow } from "../src/index.ts"

JournalSuite.suite("ClusterJournal", {
  // The engine's memory is what outlives a process.
  make: Effect.map(Layer.build(Layer.fresh(layerMemory)), (context) =>
    Layer.fresh(
      Layer.effect(Journal, ClusterJournal.make({ suspendAfter: Duration.infinity })).pipe(
        Layer.provide(
          Layer.mergeAll(
            Layer.succeed(WorkflowEngine, Context.get(context, WorkflowEngine)),
            Layer.sync(WorkflowInstance, () => WorkflowInstance.initial(ExportWorkflow.ExportWorkflow, "an execution"))
          )
        )
      )
    )
  ),
  durable: true
})
