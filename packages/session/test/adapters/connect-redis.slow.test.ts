import { adapter } from './connect-redis-app.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapter);
