import { adapter } from './passport-app.ts';
import { describeAdapter } from './suite.ts';

describeAdapter(adapter);
