import { scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** Somebody who can sign in. */
export interface Customer {
  readonly userId: string;
  readonly role: 'customer' | 'staff';
  /** `<salt>:<scrypt of the password>`, base64url. */
  readonly passwordHash: string;
  balanceCents: number;
}

const derive = promisify(scrypt) as (password: string, salt: Uint8Array, length: number) => Promise<Uint8Array>;
const HASH_BYTES = 32;
/** Of a password that nobody has: an unknown user costs the same time as a wrong password. */
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** The demonstration's customers. Their passwords stand in demo/passwords.mjs; a real bank would not write them down. */
export function demoCustomers(): Map<string, Customer> {
  const customers: readonly Customer[] = [
    { userId: 'maria', role: 'customer', balanceCents: 1_204_500, passwordHash: 'FlJB4TOzCUtdE9B9Heu5Pw:erlL6o2_yLCYbeJIapa-vYQbUcY5NL2izlTOkxWhmr0' },
    { userId: 'jonas', role: 'customer', balanceCents: 88_310, passwordHash: 'MmNSFDZFT66MOSE5_YADHg:aGWO-3W5sI_MOqIo9UiLzZSATkQL6JTLh0eyRt64hgk' },
    { userId: 'aylin', role: 'customer', balanceCents: 430_000, passwordHash: 'Qglc_pb7A9L5n6-trmJH1w:_IrYwRPi5tmeXhnmLvg3KdUm8UiIeCvNra4fOjP4eWw' },
    { userId: 'petra', role: 'staff', balanceCents: 0, passwordHash: '979ibhPEIEPLC-EIOdtPJQ:laEtenU_w8hrukwmYHJBfEPGuu-VQiauIniMHWoQqqc' },
  ];
  return new Map(customers.map((customer) => [customer.userId, customer]));
}

/** Whether this is the customer's password; takes as long for no customer as for one. */
export async function isPassword(customer: Customer | undefined, password: string): Promise<boolean> {
  const [salt = '', hash = ''] = (customer?.passwordHash ?? NOBODY).split(':');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), HASH_BYTES);
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url')) && customer !== undefined;
}
