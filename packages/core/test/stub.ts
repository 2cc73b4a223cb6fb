import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"

/** What the other side does with the n-th request (from 0): an answer, or a connection that fails with a code. */
export type Behaviour = (
  n: number,
  request: HttpClientRequest.HttpClientRequest
) => Response | { readonly code: string }

/** A host that behaves as told, and the requests it saw. */
export const host = (behaviour: Behaviour) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const layer = Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) => {
      const answer = behaviour(requests.push(request) - 1, request)
      return answer instanceof Response
        ? Effect.succeed(HttpClientResponse.fromWeb(request, answer))
        : Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error("x"), answer) })
            })
          )
    })
  )
  return { requests, layer }
}

export const bodyOf = (request: HttpClientRequest.HttpClientRequest | undefined): Record<string, unknown> =>
  request?.body._tag === "Uint8Array" ? JSON.parse(new TextDecoder().decode(request.body.body)) : {}
