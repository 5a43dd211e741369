import { graphqlWs } from './neighbours.js';
import { sharesItsPortWith } from './shared-port.js';

sharesItsPortWith(graphqlWs);
