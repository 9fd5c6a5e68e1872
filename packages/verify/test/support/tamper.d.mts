import type { Finding, Report, VerifyOptions } from '@indelible/verify';
import type { RecordWriter } from './record-writer.mjs';
import type { TamperRow } from './tamper-rows.mjs';

export class TamperBench {
  readonly original: string;
  readonly scratch: string;
  readonly writer: RecordWriter;
  readonly notes: Map<number, string>;
  prepare(row: TamperRow): { readonly directory: string; readonly options: VerifyOptions };
  run(
    row: TamperRow,
    verify?: (directory: string, options: VerifyOptions) => Promise<Report>,
  ): Promise<{ readonly report: Report; readonly found: Finding | undefined; readonly index: number | undefined }>;
  close(): void;
}
