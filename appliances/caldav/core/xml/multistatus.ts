// Answers in XML: multi-status (RFC 4918 §13), written as it is sent, and error elements (RFC 4918 §16).
import { escapeText } from '../../../../shared/xml/write.ts'
import type { Reply } from '../request.ts'
import { DECLARATIONS, tagOf, type PropertyName } from './names.ts'

export const XML_TYPE = 'application/xml; charset=utf-8'
const PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n'
/** Strings are joined to about this many characters before they are handed on. */
const CHUNK_CHARS = 32_768

/** `responses` are whole `d:response` elements; `end` goes behind them (a sync token). */
export function multistatus(
  responses: Iterable<string>,
  end = '',
  headers: Reply['headers'] = {},
): Reply {
  return {
    status: 207,
    headers: { 'content-type': XML_TYPE, ...headers },
    body: chunks(responses, end),
  }
}

function* chunks(responses: Iterable<string>, end: string): Generator<string> {
  let chunk = `${PROLOGUE}<d:multistatus${DECLARATIONS}>\n`
  for (const response of responses) {
    chunk += response
    if (chunk.length < CHUNK_CHARS) continue
    yield chunk
    chunk = ''
  }
  yield `${chunk}${end}</d:multistatus>\n`
}

/** One document that is no multi-status: the body of MKCALENDAR's answer, of LOCK's. */
export function xmlReply(
  status: number,
  element: string,
  inner: string,
  headers: Reply['headers'] = {},
): Reply {
  return {
    status,
    headers: { 'content-type': XML_TYPE, ...headers },
    body: `${PROLOGUE}<${element}${DECLARATIONS}>${inner}</${element}>\n`,
  }
}

/** A refused precondition: its element, and a sentence for people. */
export function errorReply(
  status: number,
  condition: string,
  why?: string,
  headers: Reply['headers'] = {},
): Reply {
  return xmlReply(status, 'd:error', condition + description(why), headers)
}

/** An empty element. */
export function tag(name: PropertyName): string {
  return `<${tagOf(name).open}/>`
}

export function hrefElement(href: string): string {
  return `<d:href>${escapeText(href)}</d:href>`
}

export function statusElement(status: number): string {
  return STATUS_ELEMENTS.get(status) ?? `<d:status>HTTP/1.1 ${status} Unknown</d:status>`
}

/** A response about a whole resource. */
export function statusResponse(
  href: string,
  status: number,
  condition?: string,
  why?: string,
): string {
  const error = condition === undefined ? '' : `<d:error>${condition}</d:error>`
  return `<d:response>${hrefElement(href)}${statusElement(status)}${error}${description(why)}</d:response>\n`
}

function description(why: string | undefined): string {
  return why === undefined
    ? ''
    : `<d:responsedescription>${escapeText(why)}</d:responsedescription>`
}

const REASONS = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  423: 'Locked',
  424: 'Failed Dependency',
  507: 'Insufficient Storage',
}

/** Made once: a listing has one for each of ten thousand members. */
const STATUS_ELEMENTS: ReadonlyMap<number, string> = new Map(
  Object.entries(REASONS).map(([status, reason]) => [
    Number(status),
    `<d:status>HTTP/1.1 ${status} ${reason}</d:status>`,
  ]),
)
