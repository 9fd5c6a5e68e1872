// What the demonstration's customers type. The record and the output must never show any of it: the demonstration searches for it.
export const PASSWORDS = {
  maria: 'linden-harbour-41',
  jonas: 'copper-window-07',
  aylin: 'seventeen-cranes',
  petra: 'north-stair-staff',
};
