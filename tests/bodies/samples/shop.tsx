import React from "react";
type Props = { name: string; onPick?: (n: number) => void };
export const Button: React.FC<Props> = ({ name, onPick }) => (
  <button onClick={() => onPick?.(1)}>{name}</button>
);
export function App({ names }: { names: string[] }): JSX.Element {
  return <div>{names.map((name) => <Button key={name} name={name} />)}</div>;
}
