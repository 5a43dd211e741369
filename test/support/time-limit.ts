/* Runs before each test file. A test with a limit of its own gives it scaled: `it(name, test, patient(40_000))`. */
import { jest } from '@jest/globals';
import { patient } from './patience.js';

jest.setTimeout(patient(15_000));
