import { adapter } from './express-session-app.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapter);
