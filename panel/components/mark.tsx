/** The mark: a line through a square gate. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" aria-hidden="true" focusable="false">
      <path d="M7 4.5H4.5v11H7M13 4.5h2.5v11H13" stroke="currentColor" strokeWidth="2" strokeLinecap="square" />
      <path d="M0 10h20" stroke="currentColor" strokeWidth="2" />
    </svg>
  );
}
