import { useMutation, useQueryClient } from "@tanstack/react-query";
import { say } from "@/lib/said";

/** Does one thing, asks again for all that is shown, and says that it is done. */
export function useAct<Given, Answer>(
  send: (given: Given) => Promise<Answer>,
  done: (given: Given) => string,
  then?: (answer: Answer) => void,
) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: async (answer, given) => {
      await client.invalidateQueries();
      say(done(given));
      then?.(answer);
    },
  });
}
