import { wsWithPath } from './neighbours.js';
import { sharesItsPortWith } from './shared-port.js';

sharesItsPortWith(wsWithPath);
