import { adapter } from './connect-pg-simple-app.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapter);
