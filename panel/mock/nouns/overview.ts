import { HttpResponse, http } from "msw";
import { overview, topology } from "../grid";

export const overviewHandlers = [
  http.get("*/api/v1/overview", () => HttpResponse.json(overview)),
  http.get("*/api/v1/topology", () => HttpResponse.json(topology)),
];
