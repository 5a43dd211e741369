import { STATUS_CODES as STATUS_TEXTS } from 'node:http';
import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { PlackWebSocketError, TooManyMessagesError } from './plack-websocket.error.js';

/** What a peer is told about an error; never holds the text of an unknown error or what the peer sent. */
export interface PeerError {
  /** Stable identifier: a code of this library, or the HTTP status in words, such as `bad_request`. */
  readonly code: string;
  readonly message: string;
  /** Validation messages and other public parts of the exception. */
  readonly details?: unknown;
}

const INTERNAL: PeerError = { code: 'internal_error', message: 'Internal server error' };

/** The one place that decides what a peer sees of an error. */
export function describeForPeer(error: unknown): PeerError {
  try {
    return publicPartOf(error);
  } catch {
    // An exception can be made of anything, and then it has no public part.
    return INTERNAL;
  }
}

function publicPartOf(error: unknown): PeerError {
  if (error instanceof HttpException) return describeHttpException(error);
  if (error instanceof WsException) return describeWsException(error);
  if (error instanceof TooManyMessagesError) {
    const { code, message, retryAfterMs } = error;
    return { code, message, details: { retryAfterMs } };
  }
  if (error instanceof PlackWebSocketError && PUBLIC_CODES.has(error.code)) {
    return { code: error.code, message: error.message };
  }
  return INTERNAL;
}

/** Tells whether an error is part of normal business, so that it needs no place in the error log. */
export function isExpected(error: unknown): boolean {
  if (error instanceof HttpException) return error.getStatus() < 500;
  return error instanceof WsException || (error instanceof PlackWebSocketError && PUBLIC_CODES.has(error.code));
}

const PUBLIC_CODES = new Set([
  'bad_message',
  'unknown_event',
  'unsupported_data',
  'too_many_connections',
  'too_many_channels',
  'too_many_messages',
  'too_many_streams',
  'handler_timeout',
]);

function describeHttpException(error: HttpException): PeerError {
  const response = error.getResponse();
  const code = error.errorCode ?? codeOfStatus(error.getStatus());
  if (typeof response === 'string') return { code, message: response };
  // An error in the place of a text was never written for a peer; the exception has taken its text over.
  if (response instanceof Error) return { code, message: STATUS_TEXTS[error.getStatus()] ?? INTERNAL.message };
  const { message, error: _name, statusCode: _status, errorCode: _code, ...rest } = response as Record<string, unknown>;
  // Validation pipes put the list of failures in the place of the message.
  if (Array.isArray(message)) {
    const [first] = message as unknown[];
    return { code, message: typeof first === 'string' ? first : error.message, details: message };
  }
  const text = typeof message === 'string' ? message : error.message;
  return Object.keys(rest).length === 0 ? { code, message: text } : { code, message: text, details: rest };
}

function describeWsException(error: WsException): PeerError {
  const content = error.getError();
  if (typeof content === 'string') return { code: 'exception', message: content };
  if (content instanceof Error) return { code: 'exception', message: INTERNAL.message };
  const { code, message, ...rest } = content as Record<string, unknown>;
  return {
    code: typeof code === 'string' ? code : 'exception',
    message: typeof message === 'string' ? message : error.message,
    ...(Object.keys(rest).length === 0 ? {} : { details: rest }),
  };
}

const STATUS_CODES: Readonly<Record<number, string>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  413: 'payload_too_large',
  422: 'unprocessable_entity',
  429: 'too_many_requests',
  500: 'internal_error',
  503: 'service_unavailable',
};

function codeOfStatus(status: number): string {
  return STATUS_CODES[status] ?? `http_${status}`;
}
