import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { FilterField } from "./filter-field";

const field = () => screen.getByRole<HTMLInputElement>("searchbox");

it("loses no letter where the address follows later than somebody types", async () => {
  const asked = vi.fn();
  const { rerender } = render(<FilterField label="Filter nodes" value="" onChange={asked} />);
  await userEvent.type(field(), "edge-2");
  rerender(<FilterField label="Filter nodes" value="ed" onChange={asked} />);
  expect(field().value).toBe("edge-2");
  expect(asked).toHaveBeenLastCalledWith("edge-2");
});

it("shows what the address says when somebody went back", () => {
  const { rerender } = render(<FilterField label="Filter nodes" value="edge" onChange={() => {}} />);
  rerender(<FilterField label="Filter nodes" value="" onChange={() => {}} />);
  expect(field().value).toBe("");
});
