import type { NextConfig } from 'next';

const config: NextConfig = {
  // One copy of the log in the process, with its worker thread, instead of one in each bundle.
  serverExternalPackages: ['@indelible/log', '@indelible/session'],
};

// oxlint-disable-next-line import/no-default-export -- Next.js asks for it
export default config;
