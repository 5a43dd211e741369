import type { Type } from '@nestjs/common';

/** A class, or a function that gives it: for files that import each other. */
export type ClassReference<T = unknown> = Type<T> | (() => Type<T>);
