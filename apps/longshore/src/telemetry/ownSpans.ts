/**
 * Only spans that are named on purpose are sent: those of a command and of its runs. What else Effect and libraries trace is
 * passed over, so that nobody's attributes leave this machine unseen; what happens in it belongs to the span around it.
 */
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

const isOurs = (name: string): boolean => /^longshore[ .]/.test(name)

/** `isRootless`: no span of ours is around all of them. What nobody has sent is then no parent. */
export const ownSpans = (tracer: Tracer.Tracer, isRootless: boolean): Tracer.Tracer => {
  const sent = new WeakSet<Tracer.AnySpan>()
  return Tracer.make({
    span: (options) => {
      const parent = Option.getOrUndefined(options.parent)
      const isChild = parent !== undefined && (sent.has(parent) || !isRootless)
      const span = !isOurs(options.name)
        ? transparent(options, parent)
        : isChild || !isRootless
          ? tracer.span(options)
          : tracer.span({ ...options, parent: Option.none(), root: true })
      if (isOurs(options.name) || isChild) sent.add(span)
      return span
    }
  })
}

/** Stands for the span around it: what begins inside has that as its parent. */
const transparent = (
  options: Parameters<Tracer.Tracer["span"]>[0],
  parent: Tracer.AnySpan | undefined
): Tracer.Span => {
  const span = new Tracer.NativeSpan(options)
  if (parent === undefined) return span
  return {
    _tag: "Span",
    name: span.name,
    spanId: parent.spanId,
    traceId: parent.traceId,
    parent: span.parent,
    annotations: span.annotations,
    status: span.status,
    attributes: span.attributes,
    links: span.links,
    sampled: parent.sampled,
    kind: span.kind,
    end: () => {},
    attribute: () => {},
    addLinks: () => {},
    event: (name, startTime, attributes) => {
      if (parent._tag === "Span") parent.event(name, startTime, attributes)
    }
  }
}
