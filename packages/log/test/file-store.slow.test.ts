import { filePlaces } from './support/store-place.ts';
import { describeStore } from './support/store-suite.ts';
import { temporaryDirectory } from './support/temporary.ts';

describeStore('file', filePlaces(temporaryDirectory('file-store')));
