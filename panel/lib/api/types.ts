/**
 * What the API speaks of, under the names that features use. From the schema where it has them; from `expected.ts`
 * what the server does not describe yet.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type ProblemBody = Schemas["Problem"];
export type Node = Schemas["Node"];
export type NodeView = Schemas["NodeView"];
export type Role = Schemas["Role"];
export type Finding = Schemas["Finding"];
export type Service = Schemas["Service"];
export type ServiceOutcome = Schemas["ServiceOutcome"];
export type Route = Schemas["Route"];
export type RouteOutcome = Schemas["RouteOutcome"];
export type EndpointView = Schemas["EndpointView"];
export type Health = Schemas["Health"];
export type Policy = Schemas["Policy"];
export type PolicyOutcome = Schemas["PolicyOutcome"];
export type Selector = Schemas["Selector"];
export type PerimeterVerdict = Schemas["PerimeterVerdict"];
export type Perimeter = Schemas["Perimeter"];
export type NodePerimeter = Schemas["NodePerimeter"];
export type SocketView = Schemas["SocketView"];
export type TrafficKind = Schemas["Series"]["of"];
export type TrafficRank = Schemas["Rank"];
export type TrafficRanked = Schemas["Ranked"];
export type TrafficFigures = Schemas["Figures"];
export type TrafficSeries = Schemas["Series"];
export type Operator = Schemas["Operator"];
export type OperatorLink = Schemas["OperatorLink"];
export type Token = Schemas["Token"];
export type MadeToken = Schemas["MadeToken"];
export type Passkey = Schemas["Passkey"];
export type Network = Schemas["Network"];
export type May = Schemas["May"];
export type CodesBegun = Schemas["CodesBegun"];
export type AlertView = Schemas["AlertView"];
export type AlertKind = Schemas["AlertKind"];
export type Notification = Schemas["Notification"];
export type Destination = Schemas["Wanted"]["to"];
export type Maintenance = Schemas["Maintenance"];
export type Certificate = Schemas["Certificate"];
export type Explanation = Schemas["Explanation"];
export type Revision = Schemas["Revision"];
export type Event = Schemas["Event"];
export type Status = Schemas["Status"];
export type Invite = Schemas["Invite"];
export type Invited = Schemas["Invited"];
export type Progress = Schemas["Progress"];
export type Device = Schemas["Device"];
export type MemberDevice = Schemas["MemberDevice"];
export type Revoked = Schemas["Revoked"];
export type Preview = Schemas["Preview"];
export type Difference = Schemas["Difference"];
export type FieldChange = Schemas["FieldChange"];
export type Crowd = Schemas["Crowd"];
export type Access = Schemas["Access"];
export type Socket = Schemas["Socket"];

export type Overview = Schemas["Overview"];
export type Attention = Schemas["Attention"];
export type FailingRoute = Schemas["FailingRoute"];
export type Standing = Schemas["Standing"];
export type Hop = Schemas["Hop"];
export type HopState = Schemas["HopState"];
export type Topology = Schemas["Topology"];
export type Vertex = Schemas["Vertex"];
export type Session = Schemas["Session"];
export type Login = Schemas["Login"];
export type Claim = Schemas["Claim"];

export type { TrafficNow } from "./expected";

/** A list as every collection answers it; `next` is the cursor of the rest. */
export interface Listing<T> {
  items: T[];
  next?: string | null;
  total?: number | null;
}
