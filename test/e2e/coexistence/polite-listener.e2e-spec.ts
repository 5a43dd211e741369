import { politeListener } from './neighbours.js';
import { sharesItsPortWith } from './shared-port.js';

sharesItsPortWith(politeListener);
