import type { ReactNode } from 'react';

export const metadata = { title: 'A bank on Next.js' };

// oxlint-disable-next-line import/no-default-export -- Next.js asks for it
export default function Layout({ children }: { children: ReactNode }): ReactNode {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
