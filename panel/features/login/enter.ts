import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import type { Session } from "@/lib/api/types";
import { keys } from "@/lib/query";
import { loggedIn } from "@/lib/session";

/** What follows a login: nothing of whoever was here before is kept, and the page that was asked for comes. */
export function useEnter(to: string): (session: Session) => void {
  const router = useRouter();
  const client = useQueryClient();
  return (session) => {
    client.clear();
    client.setQueryData(keys.session, session);
    loggedIn();
    router.replace(to);
  };
}
