// A value or the expected failures that stand in its way; only bugs are thrown.
import type { Failure } from './failure.ts';

export type Result<T> = { readonly ok: true; readonly value: T } | Failed;
export type Failed = { readonly ok: false; readonly failures: readonly Failure[] };

export const succeed = <T>(value: T): Result<T> => ({ ok: true, value });
export const fail = (...failures: Failure[]): Failed => ({ ok: false, failures });
