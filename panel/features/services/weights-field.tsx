"use client";
/** The share of each node: a slider with what it comes to. 0 takes a node out of turn; two nodes at 95 and 5 are a canary. */
import { Slider } from "@mantine/core";
import { share } from "@/lib/format";
import { shares } from "./service-draft";
import classes from "./weights-field.module.css";

const MOST = 100; // a slider's range; what is set beyond it by the CLI is kept until it is moved

export function WeightsField(props: {
  nodes: readonly string[];
  weights: Record<string, number>;
  onChange: (weights: Record<string, number>) => void;
  disabled?: boolean;
}) {
  const part = shares(props.nodes, props.weights);
  return (
    <fieldset className={classes.field}>
      <legend>Weights</legend>
      {props.nodes.length === 0 && <p className="muted">No edge is selected that could have one.</p>}
      {props.nodes.map((node) => {
        const weight = props.weights[node] ?? 1;
        return (
          <div key={node} className={classes.row}>
            <span className={classes.name}>{node}</span>
            <Slider
              min={0}
              max={Math.max(MOST, weight)}
              value={weight}
              onChange={(value) => props.onChange({ ...props.weights, [node]: value })}
              label={null}
              size="sm"
              thumbLabel={`Weight of ${node}`}
              disabled={props.disabled ?? false}
            />
            <span className="number">
              {weight} · {share(part.get(node))}
            </span>
          </div>
        );
      })}
    </fieldset>
  );
}
