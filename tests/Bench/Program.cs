using OrleansKms.Tests.Bench;

// Each benchmark prints one table; figures and the way they were made stand in README.md beside this file.
switch (args.FirstOrDefault())
{
    case "grain-cost":
        await GrainCost.Run(withFence: args.Length > 1 && args[1] == "fence");
        return 0;
    case "sign":
        await OperationCost.Run(args.ElementAtOrDefault(1) ?? "", args.Length > 2 ? Number(args[2]) : 15);
        return 0;
    case "audit-cost":
        await AuditCost.Run(args.ElementAtOrDefault(1));
        return 0;
    case "many-keys":
        await ManyKeys.Run(args.Length > 1 ? Number(args[1]) : 100_000);
        return 0;
    case "creates":
        await Creates.Run(Environment.GetEnvironmentVariable("OKMS_TEST_DATABASE_URL"));
        return 0;
    case "validate":
        await ValidateFanOut.Run();
        return 0;
    case "hsm":
        return await HsmCost.Run(args);
    case "paced" when args.Length is 6 or 7:
        PacedLoad.Run(new(args[1]), args[2], args[3], Number(args[4]), Number(args[5]), args.ElementAtOrDefault(6));
        return 0;
    case "keys" when args.Length >= 4:
        KeyLoad.Run(args[1..]);
        return 0;
    default:
        Console.Error.WriteLine(
            "usage: dotnet run -c Release --project tests/Bench -- grain-cost [fence] | sign [OPERATION [ROUNDS]] | audit-cost [DIRECTORY] | many-keys [COUNT] | creates | validate | hsm "
            + "| keys create|create-many|encrypt|decrypt|list URL TOKEN [NAME=VALUE…] | paced URL TOKEN BODY-FILE RATE SECONDS [GO-FILE]");
        return 2;
}

static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
