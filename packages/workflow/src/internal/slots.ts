/**
 * The slot of each entity type of one account: the API runs one export of a type at a time. Who wants it waits in a queue
 * here, and not by asking the API again and again.
 */
import type { EntityType, Export, ExportId, ExportRequest } from "@longshore/core/Export"
import { AddOutcomeUnknown, type AddRejected, type InvalidRequest } from "@longshore/core/ExportError"
import type { ApiError, Exports } from "@longshore/core/Exports"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import { isActive, type Looks } from "./looks.ts"

type AddError = InvalidRequest | AddRejected | AddOutcomeUnknown | ApiError

/** What is said to whoever asks for its turn: a word that entitles to one `add`, or why there is none yet. */
interface Turn {
  readonly turn: string | null
  readonly problem: string
}

export interface Slots {
  /** Answers at once. Whoever asks has a place in the queue from then on, and keeps it by asking again. */
  readonly turn: (entityType: EntityType, ticket: string) => Effect.Effect<Turn>
  /**
   * Once for each turn: a message that comes twice gets the same answer, also while that is awaited. So does a ticket whose export nobody asked about
   * since: the answer was lost with the runner that waited for it, and asking again would leave that export to nobody.
   */
  readonly add: (request: ExportRequest, ticket: string, turn: string) => Effect.Effect<Export, AddError>
  /** Somebody asks about an export, so its id is known. */
  readonly asked: (id: ExportId) => void
}

interface Slot {
  /** Tickets in the order of their coming, and when they were seen last. */
  readonly queue: Map<string, number>
  /** Whose turn it is, and what it was told. */
  turn: { readonly ticket: string; readonly word: string; readonly until: number } | undefined
  /** What has the slot, as far as this account's runs know. */
  holder: Holder | undefined
}

interface Holder {
  readonly answer: Export
  readonly ticket: string
  /** Whoever has the ticket asked about the export: the answer has come. */
  isKnown: boolean
}

/** Who has not asked again by then is gone, and does not keep the others waiting. Longer than any run waits between asking. */
const forgetAfter = 4 * 60_000
/** How long a turn is kept for whoever has it. */
const turnLasts = 60_000
/** Answers that the runs themselves get come more often. Older ones mean that the holder's run looks no more. */
const stale = 330_000

export const make = Effect.fnUntraced(function* (api: Exports["Service"], looks: Looks): Effect.fn.Return<Slots> {
  const slots = new Map<EntityType, Slot>()
  /** What becomes of turns that were used. */
  const used = new Map<string, Deferred.Deferred<Export, AddError>>()
  // Turns of an earlier life of this entity mean nothing to this one.
  const life = (yield* Random.nextInt).toString(36)
  let count = 0

  const slotOf = (entityType: EntityType): Slot => {
    const slot = slots.get(entityType) ?? { queue: new Map(), turn: undefined, holder: undefined }
    slots.set(entityType, slot)
    return slot
  }

  const isFree = Effect.fnUntraced(function* (slot: Slot) {
    const { holder } = slot
    if (holder === undefined) return true
    const found = yield* Effect.exit(looks.get(holder.answer.id, stale))
    if (Exit.isSuccess(found) ? isActive(found.value) : !isGone(found)) return false
    if (slot.holder === holder) slot.holder = undefined
    return slot.turn === undefined && slot.holder === undefined
  })

  const turn: Slots["turn"] = Effect.fnUntraced(function* (entityType, ticket) {
    const slot = slotOf(entityType)
    const now = yield* Clock.currentTimeMillis
    slot.queue.set(ticket, now)
    for (const [other, seen] of slot.queue) if (now - seen > forgetAfter) slot.queue.delete(other)
    if (slot.turn !== undefined && now >= slot.turn.until) slot.turn = undefined
    if (slot.turn?.ticket === ticket) return { turn: slot.turn.word, problem: "" }
    const [first] = slot.queue.keys()
    if (slot.turn === undefined && (isLost(slot, ticket) || (first === ticket && (yield* isFree(slot))))) {
      const word = `${life}-${++count}`
      slot.turn = { ticket, word, until: now + turnLasts }
      return { turn: word, problem: "" }
    }
    const ahead = [...slot.queue.keys()].indexOf(ticket)
    const more = ahead <= 0 ? "" : `, and ${ahead} more wait before it`
    return { turn: null, problem: `another export of the account is under way${more}` }
  })

  const add: Slots["add"] = Effect.fnUntraced(function* (request, ticket, word) {
    const { entityType } = request
    const before = used.get(word)
    if (before !== undefined) return yield* Deferred.await(before)
    const slot = slotOf(entityType)
    if (slot.turn?.word !== word || slot.turn.ticket !== ticket) {
      return yield* new AddOutcomeUnknown({
        operation: "add",
        entityType,
        problem: "the account went to another runner while it was asked"
      })
    }
    const outcome = Deferred.makeUnsafe<Export, AddError>()
    used.set(word, outcome)
    // Messages that come twice come soon.
    for (const old of used.keys()) if (used.size > 1_000) used.delete(old)
    // Not given to anybody else before it is over.
    slot.turn = { ...slot.turn, until: Infinity }
    const exit = yield* Effect.exit(
      slot.holder !== undefined && isLost(slot, ticket) ? Effect.succeed(slot.holder.answer) : api.add(request)
    )
    slot.turn = undefined
    if (Exit.isSuccess(exit)) {
      slot.queue.delete(ticket)
      if (slot.holder?.answer !== exit.value) {
        slot.holder = { answer: exit.value, ticket, isKnown: false }
        yield* looks.tell(exit.value)
      }
    }
    yield* Deferred.done(outcome, exit)
    return yield* exit
  })

  const asked: Slots["asked"] = (id) => {
    for (const { holder } of slots.values()) if (holder?.answer.id === id) holder.isKnown = true
  }

  return { turn, add, asked }
})

/** The API's answer to this ticket has not come there. */
const isLost = ({ holder }: Slot, ticket: string): boolean => holder?.ticket === ticket && !holder.isKnown

/** The API does not know it any more. */
const isGone = (exit: Exit.Exit<unknown, { readonly _tag: string }>): boolean => {
  const error = Exit.findErrorOption(exit)
  return error._tag === "Some" && error.value._tag === "ExportNotFound"
}
